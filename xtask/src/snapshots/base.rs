//! The commit that the snapshots are compared with.

/// Runs git with these arguments: its output, or the start of its error message.
type Git<'a> = &'a dyn Fn(&[&str]) -> Result<String, String>;

/// The commit that the user names, or a rule that finds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseChoice<'a> {
    Commit(&'a str),
    /// The start of the branch, or the commit before HEAD if HEAD is part of main.
    Branch,
    /// HEAD if there are changes that are not committed, otherwise as [`Self::Branch`].
    Usual,
}

#[derive(Debug, PartialEq, Eq)]
pub struct ComparisonBase {
    pub commit: String,
    /// The rule that found the commit, for the reader.
    pub name: String,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Comparison {
    With(ComparisonBase),
    /// The checkout has no commit to compare with, for this reason.
    Impossible(String),
}

/// Finds the commit of a choice.
///
/// # Errors
/// The commit that the user names does not exist, or git fails.
pub fn choose(git: Git<'_>, choice: BaseChoice<'_>) -> Result<Comparison, String> {
    if let BaseChoice::Commit(name) = choice {
        let commit =
            find_commit(git, name).ok_or_else(|| format!("`{name}` is no commit in this checkout"))?;
        return Ok(compare_with(commit, name));
    }
    let head = match git(&["rev-parse", "--verify", "--quiet", "HEAD"]) {
        Ok(head) => head.trim().to_owned(),
        Err(error) => {
            return Ok(Comparison::Impossible(format!(
                "git finds no commit here ({error})"
            )));
        }
    };
    if choice == BaseChoice::Usual {
        let status = git(&["status", "--porcelain", "--", super::FOLDER])?;
        if !status.trim().is_empty() {
            return Ok(compare_with(head, "HEAD: these changes are not committed"));
        }
    }
    let shallow = git(&["rev-parse", "--is-shallow-repository"]).is_ok_and(|output| output.trim() == "true");
    let history = if shallow {
        ", because its history is shallow"
    } else {
        ""
    };
    let mut mains = ["origin/main", "main"].into_iter();
    let Some(main) = mains.find(|name| find_commit(git, name).is_some()) else {
        let reason = "the checkout has neither origin/main nor main".to_owned();
        return Ok(Comparison::Impossible(reason));
    };
    let Ok(start) = git(&["merge-base", "HEAD", main]) else {
        let reason = format!("the checkout has no common commit of HEAD and {main}{history}");
        return Ok(Comparison::Impossible(reason));
    };
    let start = start.trim();
    if start != head {
        return Ok(compare_with(
            start.to_owned(),
            &format!("the merge base with {main}"),
        ));
    }
    Ok(match find_commit(git, "HEAD^") {
        Some(parent) => compare_with(
            parent,
            &format!("the commit before HEAD, which is part of {main}"),
        ),
        None => Comparison::Impossible(format!(
            "HEAD is part of {main}, and the checkout has no commit before HEAD{history}"
        )),
    })
}

fn compare_with(commit: String, name: &str) -> Comparison {
    Comparison::With(ComparisonBase {
        commit,
        name: name.to_owned(),
    })
}

fn find_commit(git: Git<'_>, name: &str) -> Option<String> {
    let commit = format!("{name}^{{commit}}");
    let found = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).ok()?;
    Some(found.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checkout, by the output of git. Commits are named by digits.
    struct Checkout {
        commits: &'static [(&'static str, &'static str)],
        merge_base: Option<&'static str>,
        status: &'static str,
        shallow: bool,
    }

    const BRANCH: Checkout = Checkout {
        commits: &[("HEAD", "3"), ("HEAD^", "2"), ("origin/main", "4"), ("main", "0")],
        merge_base: Some("1"),
        status: "",
        shallow: false,
    };

    impl Checkout {
        fn choose(&self, choice: BaseChoice<'_>) -> Result<Comparison, String> {
            choose(&|args| self.git(args), choice)
        }

        fn git(&self, args: &[&str]) -> Result<String, String> {
            let output = match args {
                ["rev-parse", "--is-shallow-repository"] => Some(if self.shallow { "true" } else { "false" }),
                ["rev-parse", .., name] => {
                    let name = name.trim_end_matches("^{commit}");
                    let found = self.commits.iter().find(|(known, _)| *known == name);
                    found.map(|(_, commit)| *commit)
                }
                ["merge-base", "HEAD", main] => {
                    assert!(self.commits.iter().any(|(name, _)| name == main));
                    self.merge_base
                }
                ["status", ..] => Some(self.status),
                _ => panic!("unexpected: {args:?}"),
            };
            output
                .map(|output| format!("{output}\n"))
                .ok_or("fails".to_owned())
        }

        fn commit(&self, choice: BaseChoice<'_>) -> String {
            match self.choose(choice).unwrap() {
                Comparison::With(base) => base.commit,
                Comparison::Impossible(reason) => reason,
            }
        }
    }

    #[test]
    fn a_branch_is_compared_with_its_start() {
        assert_eq!(BRANCH.commit(BaseChoice::Usual), "1");
    }

    #[test]
    fn uncommitted_changes_are_compared_with_head() {
        let dirty = Checkout {
            status: " M tests/snapshots/a.snap",
            ..BRANCH
        };
        assert_eq!(dirty.commit(BaseChoice::Usual), "3");
        assert_eq!(dirty.commit(BaseChoice::Branch), "1");
    }

    #[test]
    fn main_is_compared_with_the_commit_before() {
        let main = Checkout {
            merge_base: Some("3"),
            ..BRANCH
        };
        assert_eq!(main.commit(BaseChoice::Usual), "2");
    }

    #[test]
    fn local_main_is_the_base_without_a_remote() {
        let local = Checkout {
            commits: &[("HEAD", "3"), ("main", "0")],
            ..BRANCH
        };
        let Ok(Comparison::With(base)) = local.choose(BaseChoice::Usual) else {
            panic!("nothing to compare with");
        };
        assert_eq!(base.name, "the merge base with main");
    }

    #[test]
    fn a_named_commit_wins_and_has_to_exist() {
        let dirty = Checkout {
            status: " M tests/snapshots/a.snap",
            ..BRANCH
        };
        assert_eq!(dirty.commit(BaseChoice::Commit("main")), "0");
        assert!(
            BRANCH
                .choose(BaseChoice::Commit("v1"))
                .unwrap_err()
                .contains("`v1`")
        );
    }

    #[test]
    fn a_missing_base_is_reported_with_its_reason() {
        let nothing = Checkout {
            commits: &[],
            ..BRANCH
        };
        assert!(
            nothing
                .commit(BaseChoice::Usual)
                .contains("no commit here (fails)")
        );
        let alone = Checkout {
            commits: &[("HEAD", "3")],
            ..BRANCH
        };
        assert!(
            alone
                .commit(BaseChoice::Usual)
                .contains("neither origin/main nor main")
        );
        let shallow = Checkout {
            merge_base: None,
            shallow: true,
            ..BRANCH
        };
        assert!(
            shallow
                .commit(BaseChoice::Usual)
                .contains("no common commit of HEAD and origin/main, because")
        );
        let shallow_main = Checkout {
            commits: &[("HEAD", "3"), ("origin/main", "3")],
            merge_base: Some("3"),
            shallow: true,
            ..BRANCH
        };
        assert!(
            shallow_main
                .commit(BaseChoice::Usual)
                .ends_with("before HEAD, because its history is shallow")
        );
    }
}
