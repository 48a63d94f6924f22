//! The lists of what is certainly built in, against the server at hand.

use mysql_async::{Row, Value};
use queryfleet_sql::{BUILTINS, KEYWORDS};
use queryfleet_tests::{Client, Fleet};

/// The most arguments that the stored functions have.
const ARGUMENTS: usize = 2;

/// Calls a function in this form, and says whether the stored one has answered.
fn is_stored(client: &mut Client, call: &str) -> bool {
    let answer = client.try_rows::<Row>(&format!("SELECT {call}"));
    let first = answer.ok().and_then(|rows| rows.into_iter().next()).and_then(|row| row.as_ref(0).cloned());
    first == Some(Value::Bytes(b"stored".to_vec()))
}

/// With a stored function of each name in the current database, for every number of arguments, the listed form
/// is still the server's own.
#[test]
fn no_listed_name_calls_a_stored_function() {
    let fleet = Fleet::new();
    let mut client = fleet.client();
    let mut found = Vec::new();
    for count in 0..=ARGUMENTS {
        let parameters: Vec<String> = (0..count).map(|n| format!("a{n} VARCHAR(99)")).collect();
        let arguments = vec!["0"; count].join(", ");
        let make = |name: &&str| {
            format!(
                "DROP FUNCTION IF EXISTS `{name}`; CREATE FUNCTION `{name}`({}) RETURNS VARCHAR(9) DETERMINISTIC NO SQL \
                 RETURN 'stored';",
                parameters.join(", ")
            )
        };
        let all = BUILTINS.iter().chain(KEYWORDS).chain(&["queryfleet_control"]);
        client.run(&all.map(make).collect::<String>()).unwrap();
        assert!(
            is_stored(&mut client, &format!("queryfleet_control ({arguments})")),
            "the test sees stored ones"
        );
        for name in BUILTINS {
            found.extend(is_stored(&mut client, &format!("{name}({arguments})")).then_some(*name));
        }
        for name in KEYWORDS {
            for space in ["", " ", "/**/"] {
                let call = format!("{name}{space}({arguments})");
                found.extend(is_stored(&mut client, &call).then_some(*name));
            }
        }
    }
    assert_eq!(found, [""; 0]);
}
