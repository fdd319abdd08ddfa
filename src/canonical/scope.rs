//! The context of a mapping: where it is in the document that was read, and the ledger of what is lost there.

use super::{LossKind, Losses, Path, Reason};

/// A path together with the ledger, so that a mapping that leaves something out says only why.
///
/// A reader goes down with [`Scope::field`] and [`Scope::index`] as it goes down the document. A writer, which goes
/// through the canonical model, goes to the path that the model kept with [`Scope::at`].
#[derive(Debug)]
pub struct Scope<'a> {
    path: Path<'a>,
    losses: &'a mut Losses,
}

impl<'a> Scope<'a> {
    /// The scope of a whole document.
    pub fn root(losses: &'a mut Losses) -> Self {
        Self {
            path: Path::Root,
            losses,
        }
    }
}

impl Scope<'_> {
    /// The scope of a member of the object at this path.
    pub fn field<'b>(&'b mut self, name: &'b str) -> Scope<'b> {
        Scope {
            path: self.path.field(name),
            losses: self.losses,
        }
    }

    /// The scope of an element of the array at this path.
    pub fn index(&mut self, index: usize) -> Scope<'_> {
        Scope {
            path: self.path.index(index),
            losses: self.losses,
        }
    }

    /// The scope of another path of the document, with the same ledger.
    pub fn at<'b>(&'b mut self, path: impl Into<Path<'b>>) -> Scope<'b> {
        Scope {
            path: path.into(),
            losses: self.losses,
        }
    }

    /// Where this scope is.
    pub fn path(&self) -> Path<'_> {
        self.path
    }

    /// The ledger.
    pub fn losses(&mut self) -> &mut Losses {
        self.losses
    }

    /// Records the value at this path as [`LossKind::Refused`].
    pub fn refuse(&mut self, reason: impl Into<Reason>) {
        self.losses.record(LossKind::Refused, self.path, reason);
    }

    /// Records the value at this path as [`LossKind::Dropped`].
    pub fn drop(&mut self, reason: impl Into<Reason>) {
        self.losses.record(LossKind::Dropped, self.path, reason);
    }

    /// Records the value at this path as [`LossKind::Approximated`].
    pub fn approximate(&mut self, reason: impl Into<Reason>) {
        self.losses.record(LossKind::Approximated, self.path, reason);
    }

    /// Records the value at this path as [`LossKind::Ignored`].
    pub fn ignore(&mut self, reason: impl Into<Reason>) {
        self.losses.record(LossKind::Ignored, self.path, reason);
    }

    /// Refuses a member of the object at this path if it is present.
    pub fn refuse_member<T>(&mut self, name: &str, value: &Option<T>, reason: impl Into<Reason>) {
        if value.is_some() {
            self.field(name).refuse(reason);
        }
    }

    /// Drops a member of the object at this path if it is present.
    pub fn drop_member<T>(&mut self, name: &str, value: &Option<T>, reason: impl Into<Reason>) {
        if value.is_some() {
            self.field(name).drop(reason);
        }
    }

    /// Ignores a member of the object at this path if it is present.
    pub fn ignore_member<T>(&mut self, name: &str, value: &Option<T>, reason: impl Into<Reason>) {
        if value.is_some() {
            self.field(name).ignore(reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_recorded_at_the_path_of_their_scope() {
        let why = || Reason::new("Unknown", format_args!("not known"));
        let mut losses = Losses::new();
        let mut root = Scope::root(&mut losses);
        root.drop_member("absent", &None::<u8>, why());
        root.drop_member("top_k", &Some(1), why());
        let mut messages = root.field("messages");
        messages.index(2).field("name").ignore(why());
        root.at(Path::block("messages", 1, 0))
            .field("source")
            .refuse(why());
        let listed: Vec<String> = losses.entries().iter().map(ToString::to_string).collect();
        let expected = [
            "dropped top_k: not known",
            "ignored messages[2].name: not known",
            "refused messages[1].content[0].source: not known",
        ];
        assert_eq!(listed, expected);
    }
}
