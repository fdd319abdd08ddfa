//! Times of the micro benchmarks: `cargo bench -p llm-proxy-benches`. A pattern after `--` selects benchmarks by name.

use llm_proxy_benches::work;

fn main() {
    divan::main();
}

fn names() -> impl Iterator<Item = String> {
    work::all().into_iter().map(|(name, _)| name)
}

#[divan::bench(args = names(), max_time = 1)]
fn micro(bencher: divan::Bencher<'_, '_>, name: &str) {
    let makers = work::all();
    let Some((_, make)) = makers.iter().find(|(candidate, _)| candidate == name) else {
        return;
    };
    let mut work = make();
    bencher.bench_local(|| work.run(1));
}
