//! The fidelity matrix: what becomes of every case on every pair of dialects, in `docs/fidelity.md`.
//!
//! `cargo xtask fidelity` runs this with `UPDATE_FIDELITY` set, which writes the page instead of comparing it.

#[path = "../common/mod.rs"]
mod common;

mod cells;
mod data;
mod page;

use std::fs;
use std::sync::LazyLock;

use cells::Matrix;
use data::Data;

static DATA: LazyLock<Data> = LazyLock::new(Data::load);
static MATRIX: LazyLock<Matrix> = LazyLock::new(|| Matrix::build(&DATA));

#[test]
fn the_page_is_up_to_date() {
    let file = common::root().join("docs/fidelity.md");
    let page = page::page(&DATA, &MATRIX);
    if std::env::var_os("UPDATE_FIDELITY").is_some() {
        fs::write(file, page).unwrap();
        return;
    }
    let kept = fs::read_to_string(file).unwrap_or_default();
    let differs = page.lines().zip(kept.lines()).find(|(now, then)| now != then);
    assert!(
        page == kept,
        "docs/fidelity.md is stale, `cargo xtask fidelity` makes it anew; first difference: {differs:#?}"
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
