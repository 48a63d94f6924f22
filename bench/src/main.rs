//! `make bench`: this fleet and its peers, side by side, on private servers; see bench/README.md.
//!
//! Environment: ROUNDS (5); ONLY, words separated by semicolons: only cases `workload/side` that hold one of them, and
//! the others keep the results that they had. usage: bench FOLDER, for RESULTS.md, results.json and results.svg

#![allow(clippy::print_stdout)]

mod case;
mod chart;
mod client;
mod cpu;
mod goals;
mod ground;
mod meter;
mod results;
mod sides;
mod sql;
mod table;
mod versions;
mod workload;

use std::error::Error;
use std::path::PathBuf;

use ground::Ground;
use results::Results;

type Fault = Box<dyn Error>;

fn main() -> Result<(), Fault> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: bench FOLDER")?);
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let rounds: usize = variable("ROUNDS").map_or(Ok(5), |rounds| rounds.parse())?;
    let only = variable("ONLY");
    let cases = case::all(only.as_deref());
    if cases.is_empty() {
        return Err(format!("no case has a name with {} in it", only.unwrap_or_default()).into());
    }
    let file = folder.join("results.json");
    let mut results = if only.is_some() { Results::load(&file)? } else { Results::default() };
    let ground = Ground::start(&folder)?;
    results.versions = versions::all(&ground);
    results.revision = versions::revision();
    results.forget(&cases);
    for round in 1..=rounds {
        for case in cases.iter().filter(|case| round == 1 || !case.workload.is_once()) {
            let sample = case.run(&ground).map_err(|fault| format!("{case}: {fault}"))?;
            println!("{round}/{rounds} {case}: {sample}");
            results.add(case, sample);
            // Whatever happens later, this is not lost.
            results.save(&file)?;
        }
    }
    let table = table::markdown(&results);
    std::fs::write(folder.join("RESULTS.md"), &table)?;
    std::fs::write(folder.join("results.svg"), chart::svg(&results))?;
    println!("\n{table}");
    ground.stop()
}
