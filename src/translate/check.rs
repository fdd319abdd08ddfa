//! The error for a request that loses too much.

use crate::canonical::{Error, ErrorClass, Loss, LossKind, Losses, OnLoss};

/// Checks what a request loses against the route's policy.
///
/// # Errors
/// [`ErrorClass::Unsupported`], naming every loss that the policy forbids, so that a client can correct all of them at
/// once.
pub(super) fn check_losses(losses: &Losses, on_loss: OnLoss) -> Result<(), Error> {
    let is_strict = on_loss == OnLoss::Error;
    let is_forbidden = |loss: &&Loss| match loss.kind {
        LossKind::Refused => true,
        LossKind::Dropped | LossKind::Approximated => is_strict,
        LossKind::Ignored => false,
    };
    let forbidden: Vec<&Loss> = losses.entries().iter().filter(is_forbidden).collect();
    let Some(first) = forbidden.first() else {
        return Ok(());
    };
    let all: Vec<String> = forbidden
        .iter()
        .map(|loss| format!("{}: {}", loss.path, loss.reason))
        .collect();
    let message = format!(
        "this request cannot be translated for the upstream of its route: {}",
        all.join("; ")
    );
    Err(Error::new(ErrorClass::Unsupported, message).at(first.path.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Reason, Scope};

    fn losses() -> Losses {
        let mut losses = Losses::new();
        let mut scope = Scope::root(&mut losses);
        let reason = Reason::new("Example", format_args!("why"));
        scope.field("a").ignore(reason.clone());
        scope.field("b").drop(reason.clone());
        scope.field("c").approximate(reason);
        losses
    }

    #[test]
    fn dropped_and_approximated_values_are_errors_only_on_strict_routes() {
        for policy in [OnLoss::Ignore, OnLoss::Warn] {
            assert_eq!(check_losses(&losses(), policy), Ok(()));
        }
        let error = check_losses(&losses(), OnLoss::Error).expect_err("a strict route");
        assert_eq!(error.class, ErrorClass::Unsupported);
        assert_eq!(error.param.as_deref(), Some("b"));
        assert!(error.message.ends_with(": b: why; c: why"), "{}", error.message);
    }

    #[test]
    fn a_refused_value_is_an_error_on_every_route() {
        let mut losses = losses();
        let reason = Reason::new("Example", format_args!("why"));
        Scope::root(&mut losses).field("d").refuse(reason);
        for policy in [OnLoss::Ignore, OnLoss::Warn] {
            let error = check_losses(&losses, policy).expect_err("a refused value");
            assert_eq!(error.param.as_deref(), Some("d"));
        }
    }
}
