//! USE against the client: whatever way it is written, a job runs in the database in which the client would have run its
//! statement, or the file is refused.

use std::process::Stdio;

use queryfleet_tests::Fleet;

/// Scripts before a statement. `%` stands for the test's own database: others begin with its name.
const SCRIPTS: [&str; 42] = [
    "USE %_b\n",
    "use %_b;",
    "use\t%_b\\g",
    "USE   %_b   ;",
    "USE %_b -- never %_c\n",
    "USE %_b # never %_c\n",
    "USE %_b /* never %_c */\n",
    "USE %_b -- never %_c;\n",
    "USE %_b -- never; %_c\n",
    "USE %_b /* never */;",
    "USE %_b /* never\n %_c */;",
    "USE %_b %_c\n",
    "USE %_b %_c;",
    "USE %_b\t%_c\n",
    "USE %_b/* x */;",
    "USE %_b/* x */\n",
    "USE %_b--x\n",
    "USE '%_b'\n",
    "USE \"%_b\";",
    "USE `%_b` -- x\n",
    "USE `%_b`%_c\n",
    "USE`%_b`;",
    "USE'%_b';",
    "USE '%_b\n",
    "USE `%-d`\n",
    "USE %-d;",
    "USE `% e`\n",
    "USE '% e';",
    "USE `%;f`\n",
    "USE %\\_b\n",
    "USE `%\\_b`\n",
    "USE\n%_b;",
    "USE/**/%_b;",
    "USE /**/%_b;",
    "/*!40000 USE %_b */;",
    "USE /*!40000 %_b */;",
    "/* x */ USE %_b;",
    "/* x */ USE %_b\n",
    "-- x\nUSE %_b\n",
    "DO 1;USE %_b;",
    "DO 1;USE %_b\n",
    "DELIMITER //\nUSE %_b//\nDELIMITER ;\n",
];

/// How many of them must be taken: a USE that no client would misread.
const TAKEN: usize = 18;

/// Where the client runs the statement behind a script: in which database, if at all.
fn client(fleet: &Fleet, own: &str, script: &str, options: &[&str]) -> Option<String> {
    fleet.sql("TRUNCATE seen");
    let mut command = fleet.tool("mariadb");
    command.args(["--batch", "--default-character-set=utf8mb4"]).args(options).arg(own);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut client = command.spawn().unwrap();
    std::io::Write::write_all(&mut client.stdin.take().unwrap(), script.as_bytes()).unwrap();
    // Its exit code says whether a statement failed: then there is no row.
    client.wait().unwrap();
    fleet.rows::<String>("SELECT name FROM seen").pop()
}

#[test]
fn a_job_runs_in_the_database_that_the_client_would_use() {
    let fleet = Fleet::new();
    if fleet.is_mysql() {
        // MySQL's own client is no oracle of ours.
        return;
    }
    let own: String = fleet.rows("SELECT DATABASE()").remove(0);
    fleet.sql("CREATE TABLE seen (name VARCHAR(100)) ENGINE=InnoDB");
    for other in ["_b", "_c", "-d", " e", ";f"] {
        fleet.sql(&format!("CREATE DATABASE `{own}{other}`"));
    }
    let _worker = fleet.worker(1);
    let mut taken = 0;
    for (number, script) in SCRIPTS.iter().enumerate() {
        let text = script.replace('%', &own) + &format!("INSERT INTO {own}.seen VALUES (DATABASE());\n");
        let path = fleet.script([&text]);
        let name = format!("use-{number}");
        fleet.sql("TRUNCATE seen");
        let output = fleet.run(&["publish", path.to_str().unwrap(), "--run", &name]);
        if output.code != 0 {
            assert!(
                ["USE", "never closed"].iter().any(|why| output.err.contains(why)),
                "{text:?}: {}",
                output.err
            );
            continue;
        }
        taken += 1;
        fleet.wait(&name).expect(0);
        let found = fleet.rows::<String>("SELECT name FROM seen").pop();
        assert!(found.is_some(), "{text:?}");
        for options in [&[][..], &["--comments"]] {
            assert_eq!(found, client(&fleet, &own, &text, options), "{text:?} {options:?}");
        }
    }
    assert!(taken >= TAKEN, "{taken}");
}
