//! Converts JSON Schema to [`Ir`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::atoms::{Atoms, ObjectSource};
use crate::ir::{Def, Ir, KindUnion, ObjectType, OpenEnum, Property, TaggedUnion, Type, TypeKind, Variant};
use crate::names::{UniqueNames, pascal};
use crate::schema::{self, Defs};
use crate::tags::{self, Dispatch};
use crate::{SpecError, lazy_strings, lenient, overlay};

/// Names that the generated code uses for other purposes.
const RESERVED: [&str; 10] = [
    "Box", "Default", "Err", "None", "Ok", "Option", "Result", "Some", "String", "Vec",
];

/// A type, and whether the value can be null.
type Nullable = (Type, bool);

/// Converts the roots of a document and every definition that they reach. A union without a tag is an error, unless the
/// overlay marks it as opaque.
pub(crate) fn normalize(document: &Value) -> Result<Ir, SpecError> {
    let defs = schema::defs(document)?;
    let roots = schema::roots(document)?;
    let mut reached = BTreeSet::new();
    for def in roots.values() {
        schema::closure(document, def, &mut reached)?;
    }
    let mut names = UniqueNames::reserving(&RESERVED);
    let rust_names = reached
        .iter()
        .map(|def| (def.clone(), names.take(&pascal(def))))
        .collect();
    let mut builder = TypeBuilder {
        defs,
        rust_names,
        names,
        ir: Ir::default(),
        known: BTreeMap::new(),
        jobs: VecDeque::new(),
        untagged: Vec::new(),
    };
    for (role, def) in &roots {
        match builder.def(def)? {
            (Type::Ref(name), false) => builder.ir.roots.insert(role.clone(), name),
            _ => {
                return Err(SpecError::new(format!(
                    "root {role} ({def}) is neither an object nor a union"
                )));
            }
        };
    }
    while let Some(job) = builder.jobs.pop_front() {
        builder.run(job)?;
    }
    if !builder.untagged.is_empty() {
        builder.untagged.sort();
        return Err(SpecError::new(format!(
            "no property distinguishes the variants; add a `tag` or `opaque` operation to the overlay for: {}",
            builder.untagged.join(", ")
        )));
    }
    let mut ir = builder.ir;
    let marked: Vec<String> = reached
        .iter()
        .filter(|def| {
            defs.get(def.as_str())
                .is_some_and(|schema| schema.get(overlay::LENIENT).is_some())
        })
        .filter_map(|def| builder.rust_names.get(def).cloned())
        .collect();
    lenient::mark(&mut ir, marked);
    lazy_strings::mark(&mut ir);
    ir.opaque.sort();
    Ok(ir)
}

/// A type whose name is already assigned and whose content is not yet converted. A queue of jobs replaces recursion,
/// which would not end for types that contain themselves.
#[derive(Debug)]
enum Job {
    Object { name: String, schema: Value },
    Tagged { name: String, dispatch: Dispatch },
    KindUnion { name: String, atoms: Atoms },
}

struct TypeBuilder<'a> {
    defs: &'a Defs,
    /// Maps schema names to Rust names.
    rust_names: BTreeMap<String, String>,
    names: UniqueNames,
    ir: Ir,
    /// The types of the definitions; `None` while a definition is being converted.
    known: BTreeMap<String, Option<Nullable>>,
    jobs: VecDeque<Job>,
    untagged: Vec<String>,
}

/// The name of a type that was written inline and becomes a named one.
#[derive(Clone, Debug)]
enum Label {
    /// The name of the definition itself, already assigned.
    Own(String),
    /// A name derived from the position, not yet assigned.
    Derived(String),
}

impl Label {
    fn text(&self) -> &str {
        match self {
            Self::Own(name) | Self::Derived(name) => name,
        }
    }

    fn inner(&self, suffix: &str) -> Self {
        Self::Derived(format!("{}{suffix}", self.text()))
    }
}

impl TypeBuilder<'_> {
    fn name(&mut self, label: &Label) -> String {
        match label {
            Label::Own(name) => name.clone(),
            Label::Derived(name) => self.names.take(name),
        }
    }

    /// Converts a definition to a type.
    fn def(&mut self, def: &str) -> Result<Nullable, SpecError> {
        match self.known.get(def) {
            Some(Some(known)) => return Ok(known.clone()),
            Some(None) => return Err(SpecError::new(format!("{def} refers only to itself"))),
            None => {}
        }
        let name = self
            .rust_names
            .get(def)
            .cloned()
            .ok_or_else(|| SpecError::new(format!("no definition {def}")))?;
        let schema = self
            .defs
            .get(def)
            .ok_or_else(|| SpecError::new(format!("no definition {def}")))?;
        let atoms = Atoms::of_def(self.defs, def)?;
        let made = if atoms.objects == [ObjectSource::Def(def.to_owned())] {
            self.jobs.push_back(Job::Object {
                name: name.clone(),
                schema: schema.clone(),
            });
            (Type::Ref(name), false)
        } else {
            self.known.insert(def.to_owned(), None);
            self.schema(schema, &Label::Own(name))
                .map_err(|error| error.within(def))?
        };
        self.known.insert(def.to_owned(), Some(made.clone()));
        Ok(made)
    }

    /// Converts a schema to a type. A type that needs a name gets `label`.
    fn schema(&mut self, schema: &Value, label: &Label) -> Result<Nullable, SpecError> {
        if let Some(name) = schema::ref_name(schema) {
            return self.def(name);
        }
        let marked = schema.get(overlay::UNION).is_some();
        if let Some(members) = schema::members(schema).filter(|_| !marked) {
            let null = json!({ "type": "null" });
            let mut others = members.iter().filter(|member| **member != null);
            if let (Some(only), None) = (others.next(), others.next()) {
                let (ty, nullable) = self.schema(only, label)?;
                return Ok((ty, nullable || members.len() > 1));
            }
        }
        let atoms = Atoms::of(self.defs, schema)?;
        let nullable = atoms.null;
        Ok((self.atoms(atoms, label)?, nullable))
    }

    fn atoms(&mut self, atoms: Atoms, label: &Label) -> Result<Type, SpecError> {
        if atoms.opaque {
            self.ir.opaque.push(label.text().to_owned());
        }
        if atoms.any || atoms.kinds() == 0 {
            return Ok(Type::Any);
        }
        if atoms.kinds() > 1 {
            let name = self.name(label);
            self.jobs.push_back(Job::KindUnion {
                name: name.clone(),
                atoms,
            });
            return Ok(Type::Ref(name));
        }
        if atoms.has_strings() {
            return Ok(self.string(&atoms, label));
        }
        if !atoms.arrays.is_empty() {
            return self.array(&atoms, label);
        }
        if atoms.has_objects() {
            return self.objects(atoms, label);
        }
        Ok(match (atoms.number, atoms.integer) {
            (true, _) => Type::Number,
            (_, true) => Type::Integer,
            _ => Type::Bool,
        })
    }

    fn string(&mut self, atoms: &Atoms, label: &Label) -> Type {
        if atoms.strings.is_empty() {
            return Type::String;
        }
        let mut names = UniqueNames::reserving(&["Other"]);
        let values = atoms
            .strings
            .iter()
            .map(|value| (names.take(&pascal(value)), value.clone()))
            .collect();
        let name = self.name(label);
        self.insert(&name, TypeKind::Enum(OpenEnum { values }));
        Type::Ref(name)
    }

    fn array(&mut self, atoms: &Atoms, label: &Label) -> Result<Type, SpecError> {
        let items = match atoms.arrays.as_slice() {
            [only] => only.clone(),
            several => json!({ "anyOf": several }),
        };
        Ok(Type::Array(Box::new(self.element(&items, &label.inner("Item"))?)))
    }

    fn element(&mut self, schema: &Value, label: &Label) -> Result<Type, SpecError> {
        Ok(match self.schema(schema, label)? {
            (Type::Any, _) => Type::Any,
            (ty, false) => ty,
            (ty, true) => Type::Nullable(Box::new(ty)),
        })
    }

    fn objects(&mut self, atoms: Atoms, label: &Label) -> Result<Type, SpecError> {
        if atoms.free_object {
            return Ok(Type::Any);
        }
        if atoms.objects.is_empty() {
            let values = match atoms.maps.as_slice() {
                [only] => only.clone(),
                several => json!({ "anyOf": several }),
            };
            return Ok(Type::Map(Box::new(self.element(&values, &label.inner("Value"))?)));
        }
        if let ([object], false) = (atoms.objects.as_slice(), atoms.union) {
            return self.object(object, label);
        }
        let dispatch = match atoms.maps.as_slice() {
            [] => tags::detect(self.defs, &atoms.objects, atoms.tag.as_deref())?,
            _ => None,
        };
        let Some(mut dispatch) = dispatch else {
            self.untagged.push(label.text().to_owned());
            return Ok(Type::Any);
        };
        if let Some(default) = atoms.default {
            let object = ObjectSource::Def(default);
            dispatch.default = dispatch
                .variants
                .iter()
                .position(|variant| variant.object == object);
        }
        let name = self.name(label);
        self.jobs.push_back(Job::Tagged {
            name: name.clone(),
            dispatch,
        });
        Ok(Type::Ref(name))
    }

    fn object(&mut self, object: &ObjectSource, label: &Label) -> Result<Type, SpecError> {
        match object {
            ObjectSource::Def(def) => Ok(self.def(def)?.0),
            ObjectSource::Inline(schema) => {
                let name = self.name(label);
                self.jobs.push_back(Job::Object {
                    name: name.clone(),
                    schema: schema.clone(),
                });
                Ok(Type::Ref(name))
            }
        }
    }

    fn insert(&mut self, name: &str, kind: TypeKind) {
        self.ir.defs.insert(name.to_owned(), Def { kind, lenient: false });
    }

    fn run(&mut self, job: Job) -> Result<(), SpecError> {
        match job {
            Job::Object { name, schema } => {
                let object = self
                    .properties(&name, &schema)
                    .map_err(|error| error.within(&name))?;
                self.insert(&name, TypeKind::Object(object));
            }
            Job::Tagged { name, dispatch } => {
                let tagged = self
                    .tagged(&name, dispatch)
                    .map_err(|error| error.within(&name))?;
                self.insert(&name, TypeKind::Tagged(tagged));
            }
            Job::KindUnion { name, atoms } => {
                let union = self
                    .kind_union(&name, atoms)
                    .map_err(|error| error.within(&name))?;
                self.insert(&name, TypeKind::KindUnion(union));
            }
        }
        Ok(())
    }

    fn properties(&mut self, name: &str, schema: &Value) -> Result<ObjectType, SpecError> {
        let required: BTreeSet<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut properties = BTreeMap::new();
        for (property, schema) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let required = required.contains(property.as_str());
            let atoms = Atoms::of(self.defs, schema)?;
            let constant = match atoms.strings.as_slice() {
                [only] if required && !atoms.null && !atoms.plain_string && atoms.kinds() == 1 => {
                    Some(only.clone())
                }
                _ => None,
            };
            let (ty, nullable) = match constant {
                Some(value) => (Type::Const(value), false),
                None => self
                    .schema(schema, &Label::Derived(format!("{name}{}", pascal(property))))
                    .map_err(|error| error.within(property))?,
            };
            properties.insert(
                property.clone(),
                Property {
                    ty,
                    required,
                    nullable,
                },
            );
        }
        Ok(ObjectType { properties })
    }

    fn tagged(&mut self, name: &str, dispatch: Dispatch) -> Result<TaggedUnion, SpecError> {
        let mut names = UniqueNames::reserving(&["Unknown"]);
        let mut variants = Vec::new();
        for candidate in &dispatch.variants {
            let wanted = match (candidate.values.as_slice(), tags::def_name(&candidate.object)) {
                ([value, ..], None) | ([value], _) => pascal(value),
                (_, Some(def)) => pascal(def),
                ([], None) => "Untagged".to_owned(),
            };
            let variant = names.take(&wanted);
            let label = Label::Derived(format!("{name}{variant}"));
            let Type::Ref(object) = self.object(&candidate.object, &label)? else {
                return Err(SpecError::new(format!("variant {variant} is not an object")));
            };
            variants.push(Variant {
                name: variant,
                values: candidate.values.clone(),
                object,
            });
        }
        Ok(TaggedUnion {
            tag: dispatch.tag,
            variants,
            default: dispatch.default,
        })
    }

    fn kind_union(&mut self, name: &str, atoms: Atoms) -> Result<KindUnion, SpecError> {
        let label = Label::Own(name.to_owned());
        let mut union = KindUnion {
            number: atoms.integer || atoms.number,
            boolean: atoms.boolean,
            ..KindUnion::default()
        };
        if atoms.has_strings() {
            union.string = Some(self.string(&atoms, &label.inner("String")));
        }
        if !atoms.arrays.is_empty() {
            union.array = Some(self.array(&atoms, &label)?);
        }
        if atoms.has_objects() {
            union.object = Some(self.objects(atoms, &label.inner("Object"))?);
        }
        Ok(union)
    }
}
