//! JSON Schema to [`Ir`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::atoms::{Atoms, ObjectSource};
use crate::ir::{Def, Ir, Kind, Object, OpenEnum, Property, Shape, Tagged, Type, Variant};
use crate::names::{Names, pascal};
use crate::schema::{self, Defs};
use crate::tags::{self, Dispatch};
use crate::{Error, bulk, lenient, overlay};

/// Names that generated code uses for something else.
const RESERVED: [&str; 10] = [
    "Box", "Default", "Err", "None", "Ok", "Option", "Result", "Some", "String", "Vec",
];

/// A type and whether it can be null.
type Nullable = (Type, bool);

/// Makes the types of all roots of a document. Unions without a tag are an error unless the overlay marks
/// them as opaque.
pub(crate) fn normalize(document: &Value) -> Result<Ir, Error> {
    let defs = schema::defs(document)?;
    let roots = schema::roots(document)?;
    let mut reached = BTreeSet::new();
    for def in roots.values() {
        schema::closure(document, def, &mut reached)?;
    }
    let mut names = Names::reserving(&RESERVED);
    let rust_names = reached
        .iter()
        .map(|def| (def.clone(), names.take(&pascal(def))))
        .collect();
    let mut maker = Maker {
        defs,
        rust_names,
        names,
        ir: Ir::default(),
        known: BTreeMap::new(),
        jobs: VecDeque::new(),
        untagged: Vec::new(),
    };
    for (role, def) in &roots {
        match maker.def(def)? {
            (Type::Ref(name), false) => maker.ir.roots.insert(role.clone(), name),
            _ => {
                return Err(Error::new(format!(
                    "root {role} ({def}) is neither an object nor a union"
                )));
            }
        };
    }
    while let Some(job) = maker.jobs.pop_front() {
        maker.run(job)?;
    }
    if !maker.untagged.is_empty() {
        maker.untagged.sort();
        return Err(Error::new(format!(
            "no property tells the variants apart; mark as opaque or tag in the overlay: {}",
            maker.untagged.join(", ")
        )));
    }
    let mut ir = maker.ir;
    let marked: Vec<String> = reached
        .iter()
        .filter(|def| {
            defs.get(def.as_str())
                .is_some_and(|schema| schema.get(overlay::LENIENT).is_some())
        })
        .filter_map(|def| maker.rust_names.get(def).cloned())
        .collect();
    lenient::mark(&mut ir, marked);
    bulk::mark(&mut ir);
    ir.opaque.sort();
    Ok(ir)
}

/// A definition whose name is given out and whose content is still to be made.
#[derive(Debug)]
enum Job {
    Object { name: String, schema: Value },
    Tagged { name: String, dispatch: Dispatch },
    Shape { name: String, atoms: Atoms },
}

struct Maker<'a> {
    defs: &'a Defs,
    /// Schema name to Rust name.
    rust_names: BTreeMap<String, String>,
    names: Names,
    ir: Ir,
    /// Types of definitions; `None` while one is being made.
    known: BTreeMap<String, Option<Nullable>>,
    jobs: VecDeque<Job>,
    untagged: Vec<String>,
}

/// What a hoisted type is called.
#[derive(Clone, Debug)]
enum Label {
    /// A definition's own name, taken already.
    Own(String),
    /// Made from the place; still to be taken.
    Place(String),
}

impl Label {
    fn text(&self) -> &str {
        match self {
            Self::Own(name) | Self::Place(name) => name,
        }
    }

    fn inner(&self, suffix: &str) -> Self {
        Self::Place(format!("{}{suffix}", self.text()))
    }
}

impl Maker<'_> {
    fn name(&mut self, label: &Label) -> String {
        match label {
            Label::Own(name) => name.clone(),
            Label::Place(name) => self.names.take(name),
        }
    }

    /// The type that a definition stands for.
    fn def(&mut self, def: &str) -> Result<Nullable, Error> {
        match self.known.get(def) {
            Some(Some(known)) => return Ok(known.clone()),
            Some(None) => return Err(Error::new(format!("{def} is made of nothing but itself"))),
            None => {}
        }
        let name = self
            .rust_names
            .get(def)
            .cloned()
            .ok_or_else(|| Error::new(format!("no definition {def}")))?;
        let schema = self
            .defs
            .get(def)
            .ok_or_else(|| Error::new(format!("no definition {def}")))?;
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

    /// The type of a schema; what has to have a name is called by `label`.
    fn schema(&mut self, schema: &Value, label: &Label) -> Result<Nullable, Error> {
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

    fn atoms(&mut self, atoms: Atoms, label: &Label) -> Result<Type, Error> {
        if atoms.opaque {
            self.ir.opaque.push(label.text().to_owned());
        }
        if atoms.any || atoms.kinds() == 0 {
            return Ok(Type::Any);
        }
        if atoms.kinds() > 1 {
            let name = self.name(label);
            self.jobs.push_back(Job::Shape {
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
        let mut names = Names::reserving(&["Other"]);
        let values = atoms
            .strings
            .iter()
            .map(|value| (names.take(&pascal(value)), value.clone()))
            .collect();
        let name = self.name(label);
        self.insert(&name, Kind::Enum(OpenEnum { values }));
        Type::Ref(name)
    }

    fn array(&mut self, atoms: &Atoms, label: &Label) -> Result<Type, Error> {
        let items = match atoms.arrays.as_slice() {
            [only] => only.clone(),
            several => json!({ "anyOf": several }),
        };
        Ok(Type::Array(Box::new(self.element(&items, &label.inner("Item"))?)))
    }

    fn element(&mut self, schema: &Value, label: &Label) -> Result<Type, Error> {
        Ok(match self.schema(schema, label)? {
            (Type::Any, _) => Type::Any,
            (ty, false) => ty,
            (ty, true) => Type::Nullable(Box::new(ty)),
        })
    }

    fn objects(&mut self, atoms: Atoms, label: &Label) -> Result<Type, Error> {
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

    fn object(&mut self, object: &ObjectSource, label: &Label) -> Result<Type, Error> {
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

    fn insert(&mut self, name: &str, kind: Kind) {
        self.ir.defs.insert(name.to_owned(), Def { kind, lenient: false });
    }

    fn run(&mut self, job: Job) -> Result<(), Error> {
        match job {
            Job::Object { name, schema } => {
                let object = self
                    .properties(&name, &schema)
                    .map_err(|error| error.within(&name))?;
                self.insert(&name, Kind::Object(object));
            }
            Job::Tagged { name, dispatch } => {
                let tagged = self
                    .tagged(&name, dispatch)
                    .map_err(|error| error.within(&name))?;
                self.insert(&name, Kind::Tagged(tagged));
            }
            Job::Shape { name, atoms } => {
                let shape = self.shape(&name, atoms).map_err(|error| error.within(&name))?;
                self.insert(&name, Kind::Shape(shape));
            }
        }
        Ok(())
    }

    fn properties(&mut self, name: &str, schema: &Value) -> Result<Object, Error> {
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
                    .schema(schema, &Label::Place(format!("{name}{}", pascal(property))))
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
        Ok(Object { properties })
    }

    fn tagged(&mut self, name: &str, dispatch: Dispatch) -> Result<Tagged, Error> {
        let mut names = Names::reserving(&["Unknown"]);
        let mut variants = Vec::new();
        for candidate in &dispatch.variants {
            let wanted = match (candidate.values.as_slice(), tags::def_name(&candidate.object)) {
                ([value, ..], None) | ([value], _) => pascal(value),
                (_, Some(def)) => pascal(def),
                ([], None) => "Untagged".to_owned(),
            };
            let variant = names.take(&wanted);
            let label = Label::Place(format!("{name}{variant}"));
            let Type::Ref(object) = self.object(&candidate.object, &label)? else {
                return Err(Error::new(format!("variant {variant} is not an object")));
            };
            variants.push(Variant {
                name: variant,
                values: candidate.values.clone(),
                object,
            });
        }
        Ok(Tagged {
            tag: dispatch.tag,
            variants,
            default: dispatch.default,
        })
    }

    fn shape(&mut self, name: &str, atoms: Atoms) -> Result<Shape, Error> {
        let label = Label::Own(name.to_owned());
        let mut shape = Shape {
            number: atoms.integer || atoms.number,
            boolean: atoms.boolean,
            ..Shape::default()
        };
        if atoms.has_strings() {
            shape.string = Some(self.string(&atoms, &label.inner("String")));
        }
        if !atoms.arrays.is_empty() {
            shape.array = Some(self.array(&atoms, &label)?);
        }
        if atoms.has_objects() {
            shape.object = Some(self.objects(atoms, &label.inner("Object"))?);
        }
        Ok(shape)
    }
}
