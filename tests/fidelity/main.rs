//! The fidelity matrix: what becomes of every case on every pair of dialects, in `docs/fidelity.md`, and the list of
//! all reasons for losses, in `docs/losses.md`.
//!
//! `cargo xtask fidelity` runs this with `UPDATE_FIDELITY` set, which writes the pages instead of comparing them.

#[path = "../common/mod.rs"]
mod common;

mod cells;
mod data;
mod page;
mod reasons;

use std::fs;
use std::sync::LazyLock;

use cells::Matrix;
use data::Data;

static DATA: LazyLock<Data> = LazyLock::new(Data::load);
static MATRIX: LazyLock<Matrix> = LazyLock::new(|| Matrix::build(&DATA));

#[test]
fn the_pages_are_up_to_date() {
    check("docs/fidelity.md", &page::page(&DATA, &MATRIX));
    check("docs/losses.md", &reasons::page(&DATA));
}

fn check(file: &str, page: &str) {
    let path = common::root().join(file);
    if std::env::var_os("UPDATE_FIDELITY").is_some() {
        fs::write(path, page).unwrap();
        return;
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    let differs = page.lines().zip(kept.lines()).find(|(now, then)| now != then);
    assert!(
        page == kept,
        "{file} is stale, `cargo xtask fidelity` writes it anew; first difference: {differs:#?}"
    );
}

#[test]
fn every_reason_is_declared() {
    let declared = reasons::declared();
    let is_declared = |reason: &str| {
        let mut texts = declared.iter().flat_map(|(_, reasons)| reasons.iter());
        texts.any(|(_, text)| reasons::is_made_from(reason, text))
    };
    let unknown: Vec<&str> = DATA
        .losses()
        .map(|loss| loss.reason.as_str())
        .filter(|reason| !is_declared(reason))
        .collect();
    assert!(
        unknown.is_empty(),
        "tests/losses.yaml has reasons that no list of reasons in the source has:\n{}",
        unknown.join("\n")
    );
}

#[test]
fn every_loss_is_expected_and_every_expected_loss_occurs() {
    assert!(
        MATRIX.unexpected.is_empty(),
        "not in tests/losses.yaml:\n{}",
        MATRIX.unexpected.join("\n")
    );
    let absent: Vec<String> = DATA
        .losses()
        .enumerate()
        .filter(|(number, _)| !MATRIX.losses.contains(number))
        .map(|(_, loss)| format!("{}: {}", loss.kind, loss.reason))
        .collect();
    assert!(
        absent.is_empty(),
        "no case gives these of tests/losses.yaml any more:\n{}",
        absent.join("\n")
    );
}

#[test]
fn every_extension_occurs() {
    let known = DATA.extensions.iter().enumerate();
    let absent: Vec<String> = known
        .filter(|(number, _)| !MATRIX.extensions.contains(number))
        .map(|(_, extension)| extension.place())
        .collect();
    assert!(
        absent.is_empty(),
        "no case gives these of tests/fidelity.yaml any more:\n{}",
        absent.join("\n")
    );
}
