//! The storms of `tests/storm-seeds.txt`.

use std::fmt;

use super::Storm;

const SEEDS: &str = include_str!("../../storm-seeds.txt");

impl Storm {
    /// The storms that have failed once.
    ///
    /// # Panics
    /// If a line of the file is not three numbers and, behind a `#`, a comment.
    pub fn recorded() -> Vec<Storm> {
        read(SEEDS)
    }
}

/// As a line of the file.
impl fmt::Display for Storm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.seed, self.jobs, self.faults)
    }
}

fn read(text: &str) -> Vec<Storm> {
    let mut storms = Vec::new();
    for line in text.lines() {
        let numbers: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        if numbers.is_empty() {
            continue;
        }
        storms.push(storm(&numbers).unwrap_or_else(|| panic!("tests/storm-seeds.txt: {line}: no storm")));
    }
    storms
}

fn storm(numbers: &[&str]) -> Option<Storm> {
    let [seed, jobs, faults] = numbers else { return None };
    Some(Storm { seed: seed.parse().ok()?, jobs: jobs.parse().ok()?, faults: faults.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_read_from_its_line() {
        let storm = Storm { seed: 71, jobs: 3000, faults: 14 };
        assert_eq!(read(&format!("# a comment\n\n{storm}  # lost a job; 0123abc\n")), [storm]);
    }

    #[test]
    fn every_line_of_the_file_can_be_read() {
        Storm::recorded();
    }
}
