//! Random expressions: whatever is published computes with the texts of a file as with their numbers.

use fastrand::Rng;
use queryfleet_sql::SqlMode;
use queryfleet_sql::{Use, marks, uses};
use queryfleet_tests::Fleet;

const EXPRESSIONS: usize = 3000;
/// What no double holds, and what one does.
const VALUES: [&str; 4] = ["9007199254740993", "90071992547409.93", "-0.10", "7"];

fn one<'a>(random: &mut Rng, from: &[&'a str]) -> &'a str {
    from[random.usize(..from.len())]
}

/// A number, with a `?` here and there.
fn number(random: &mut Rng, depth: usize) -> String {
    if depth == 0 {
        return one(random, &["?", "?", "?", "d", "b", "1", "0.5"]).to_owned();
    }
    let (a, b) = (number(random, depth - 1), number(random, random.clone().usize(0..depth)));
    let sub = depth - 1;
    match random.u8(..22) {
        0 => format!("{a} + {b}"),
        1 => format!("({a} - {b})"),
        2 => format!("{a}*2"),
        3 => format!("({a})"),
        4 => format!("COALESCE({a}, {b})"),
        5 => format!("IFNULL({a}, {b})"),
        6 => format!("IF({}, {a}, {b})", condition(random, sub)),
        7 => format!("CASE WHEN {} THEN {a} ELSE {b} END", condition(random, sub)),
        8 => format!("CASE b WHEN {a} THEN {b} ELSE 1 END"),
        9 => format!("NULLIF(b, {a})"),
        10 => format!("ROUND({a}, 2)"),
        11 => format!("GREATEST({a}, {b})"),
        12 => format!("ABS({a})"),
        13 => format!("-({a})"),
        14 => format!("(SELECT {a})"),
        15 => format!("(SELECT q.x FROM (SELECT {a} AS x WHERE {}) q)", condition(random, sub)),
        16 => format!("CAST({a} AS DECIMAL(40,6))"),
        17 => format!("{a} MOD 7"),
        18 => format!("MOD({a}, 7)"),
        19 => format!("(b + {}) - ~(5)", condition(random, sub)),
        20 => format!("-?+{a}"),
        _ => format!("(SELECT MAX(q.x) FROM (SELECT {a} AS x UNION ALL SELECT {b}) q)"),
    }
}

fn condition(random: &mut Rng, depth: usize) -> String {
    let (a, b) = (number(random, depth), number(random, depth.min(1)));
    match random.u8(..9) {
        0 => format!("b = {a}"),
        1 => format!("{a} >= b"),
        2 => format!("d IN (1, {a})"),
        3 => format!("b BETWEEN {a} AND {b}"),
        4 => format!("NOT (b <> {a})"),
        5 => format!("(b = {a} OR d < {b})"),
        6 => format!("b = {a} AND {b} = d"),
        7 => format!("b <=> {a}"),
        _ => format!("d - 1 = {a}"),
    }
}

#[test]
fn no_expression_that_is_accepted_is_computed_in_floating_point() {
    let fleet = Fleet::new();
    fleet.sql(
        "CREATE TABLE s (id INT PRIMARY KEY, d DECIMAL(40,10), b BIGINT); \
         INSERT INTO s VALUES (1, 90071992547409.93, 9007199254740993), (2, 9007199254740992, 9007199254740992), (3, NULL, 7), (4, 9007199254740993, 9007199254740992); \
         CREATE TABLE r (id INT, v DECIMAL(65,20))",
    );
    let mut client = fleet.client();
    let mut random = Rng::with_seed(16);
    let (mut compared, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for _ in 0..EXPRESSIONS {
        let depth = random.usize(1..4);
        let expression = number(&mut random, depth);
        let statement = format!("INSERT INTO r SELECT id, {expression} FROM s WHERE id > 0");
        let mode = SqlMode::default();
        let uses = uses(&statement, mode);
        if uses.is_empty() || uses.iter().any(|use_| matches!(use_, Use::Unclear(_))) {
            refused += 1;
            continue;
        }
        let value = one(&mut random, &VALUES);
        let mut answer = |literal: &dyn Fn(&Use) -> String| {
            let mut sql = statement.clone();
            for (mark, use_) in marks(&statement, mode).zip(&uses).collect::<Vec<_>>().into_iter().rev() {
                sql.replace_range(mark..=mark, &literal(use_));
            }
            let filled = client
                .run("DELETE FROM r")
                .and_then(|()| client.run(&sql))
                .map_err(|error| error.to_string());
            filled.map(|()| {
                client.rows::<(u64, Option<String>)>("SELECT id, CAST(v AS CHAR) FROM r ORDER BY id")
            })
        };
        let ours = answer(&|use_| match use_ {
            Use::Number => format!("({value})"),
            _ => format!("'{value}'"),
        });
        let exact = answer(&|_| format!("({value})"));
        compared += 1;
        match (ours, exact) {
            (Ok(ours), Ok(exact)) if ours == exact => {}
            // Out of range, or no number at all, on both sides.
            (Err(_), Err(_)) => {}
            (ours, exact) => wrong.push(format!("{expression} with {value}:\n  {ours:?}\n  {exact:?}")),
        }
    }
    println!("{compared} compared, {refused} refused");
    assert!(compared > EXPRESSIONS / 5, "{compared} compared, {refused} refused");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong[..wrong.len().min(12)].join("\n"));
}
