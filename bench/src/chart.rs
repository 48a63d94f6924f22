//! The picture for the README: statements a second of every side, as bars. Readable on light and on dark.

use crate::results::Results;

/// Which sides are in it, and what they are called there.
const BARS: [(&str, &str); 10] = [
    ("queryfleet, 16 slots, chunk auto", "queryfleet, 16 slots"),
    ("queryfleet, 4 slots, chunk auto", "queryfleet, 4 slots"),
    ("queryfleet, 16 slots, chunk 1", "queryfleet, 16 slots, chunk 1"),
    ("queryfleet, 4 slots, chunk 1", "queryfleet, 4 slots, chunk 1"),
    ("Python pool, 4 processes", "Python pool, 4 processes *"),
    ("xargs -P 4 mariadb, 500 statements each", "xargs -P 4 mariadb *"),
    ("mariadb < file", "mariadb < file *"),
    ("Celery, 16 processes", "Celery, 16 processes"),
    ("Celery, 4 processes", "Celery, 4 processes"),
    ("Dramatiq, 4 processes", "Dramatiq, 4 processes"),
];
const LEFT: usize = 220;
const WIDTH: usize = 420;
const LINE: usize = 26;
const STYLE: &str = "text { font: 13px sans-serif; fill: #24292f } .ours { fill: #1f6feb } .theirs { fill: #8c959f } \
    @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #4493f8 } .theirs { fill: #6e7681 } }";

/// bench/results.svg; sides that were not measured are left out.
pub(crate) fn svg(results: &Results) -> String {
    let rate = |side| results.median("update", side).map(|sample| sample.value);
    let bars: Vec<(&str, f64)> = BARS.iter().filter_map(|(side, name)| Some((*name, rate(side)?))).collect();
    let most = bars.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let height = LINE * (bars.len() + 2);
    let mut rows = String::new();
    for (index, (name, value)) in bars.iter().enumerate() {
        let (top, length) = (LINE * (index + 1), (value / most * WIDTH as f64).max(1.0));
        let (name, class) =
            (name.replace('<', "&lt;"), if name.starts_with("queryfleet") { "ours" } else { "theirs" });
        let (text, end) = (top + 16, LEFT as f64 + length + 6.0);
        rows += &format!(
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\n\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{}\" width=\"{length:.0}\" height=\"18\" rx=\"3\"/>\n\
             <text x=\"{end:.0}\" y=\"{text}\">{}</text>\n",
            LEFT - 8,
            top + 2,
            thousands(*value)
        );
    }
    let whole = LEFT + WIDTH + 80;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {height}\" width=\"{whole}\" height=\"{height}\" \
         role=\"img\">\n<title>Single-row UPDATEs a second</title>\n<style>{STYLE}</style>\n\
         <text x=\"{LEFT}\" y=\"16\">single-row UPDATEs a second</text>\n{rows}\
         <text x=\"{LEFT}\" y=\"{}\">* without a broker: a crash loses the rest, or repeats some</text>\n</svg>\n",
        height - 8
    )
}

/// 12345 as `12,345`.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
    if head.is_empty() { tail.into() } else { format!("{head},{tail}") }
}
