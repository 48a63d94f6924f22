//! Where the servers are, by the command line and the client's option file.

use std::os::unix::fs::PermissionsExt;

use queryfleet_tests::{Fleet, Output};

const AMQP: &str = "QUERYFLEET_AMQP_URL";
const MYSQL: &str = "QUERYFLEET_MYSQL_URL";

/// `host:port`, and the name of the database.
fn database(fleet: &Fleet) -> (String, String) {
    let url = fleet.mysql_url();
    let (_, rest) = url.split_once('@').unwrap();
    let (server, path) = rest.split_once('/').unwrap();
    (server.to_owned(), path.split('?').next().unwrap().to_owned())
}

/// Runs a command to its end without variables for these servers, in a home of its own.
fn run(fleet: &Fleet, home: &str, without: &[&str], arguments: &[&str]) -> Output {
    let mut command = fleet.command(arguments);
    for name in without {
        command.env_remove(name);
    }
    let output = command.env("HOME", home).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The client is the oracle: what it reads as the password is what the account has.
#[test]
fn an_option_file_is_read_as_the_client_reads_it() {
    let fleet = Fleet::new();
    let (server, name) = database(&fleet);
    let (_, port) = server.rsplit_once(':').unwrap();
    let user = format!("optioned_{name}");
    fleet.sql(&format!("CREATE USER {user}@'127.0.0.1'; GRANT ALL ON `{name}`.* TO {user}@'127.0.0.1'"));
    for (line, password) in [
        ("password=plain", "plain"),
        ("password = two words ", "two words"),
        ("password=cut#off", "cut"),
        ("password='hash#ed'", "hash#ed"),
        ("password=\"it's\"", "it's"),
        (r#"password="a\"b#c""#, "a\"b#c"),
        (r"password=back\\slash\sspace", "back\\slash space"),
        (r"password=un\xknown", r"un\xknown"),
        ("password=a=b@c/d:e%f?g", "a=b@c/d:e%f?g"),
        ("loose-password=größe", "größe"),
    ] {
        let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
        fleet.sql(&format!("ALTER USER {user}@'127.0.0.1' IDENTIFIED BY '{quoted}'"));
        let text = format!(
            "# of the client\n[client]\nhost=127.0.0.1\nport={port} # why\nuser = {user}\n{line}\n\
             [mysqld]\nport=1\n[queryfleet]\ndatabase={name}\n"
        );
        let file = fleet.file("my.cnf", &text);
        let client = std::process::Command::new("mariadb")
            .args([&format!("--defaults-file={file}"), "--protocol=tcp", "-e", "SELECT 1"])
            .output()
            .unwrap();
        assert!(client.status.success(), "the client: {line}: {client:?}");
        run(&fleet, "/nowhere", &[MYSQL], &["status", "--defaults-file", &file]).expect(0);
        // In place of what the environment has.
        let wrong = [(MYSQL, "mysql://nobody@127.0.0.1:1/nothing")];
        fleet.run_with(&["status", "--defaults-file", &file], &wrong).expect(0);
    }
}

#[test]
fn servers_are_named_by_options_then_the_environment_then_the_option_file() {
    let fleet = Fleet::new();
    let (server, name) = database(&fleet);
    let (host, port) = server.rsplit_once(':').unwrap();
    let secrets = fleet.secrets();
    let (amqp, mysql) = (fleet.amqp_url(), fleet.mysql_url());
    let without_password = |url: &str, secret: &str| url.replacen(&format!(":{secret}@"), "@", 1);
    let (amqp_bare, mysql_bare) =
        (without_password(&amqp, &secrets[0]), without_password(&mysql, &secrets[1]));
    assert_ne!((&amqp, &mysql), (&amqp_bare, &mysql_bare));
    let user = mysql_bare.split_once("//").unwrap().1.split_once('@').unwrap().0.to_owned();

    let files: Vec<String> = secrets
        .iter()
        .enumerate()
        .map(|(index, secret)| fleet.file(&format!("password-{index}"), &format!("{secret}\n")))
        .collect();
    let script = fleet.counters(3);
    let named = [
        "--amqp-url",
        &amqp_bare,
        "--amqp-password-file",
        &files[0],
        "--mysql-url",
        &mysql_bare,
        "--mysql-password-file",
        &files[1],
    ];
    let arguments = [&["run", script.to_str().unwrap(), "--run", "named"][..], &named].concat();
    run(&fleet, "/nowhere", &[AMQP, MYSQL], &arguments).expect(0);
    fleet.assert_each_once();

    // The option file of the home is asked last, and only if it names a database.
    let password = &secrets[1];
    let client = format!("[client]\nhost={host}\nport={port}\nuser={user}\npassword='{password}'\n");
    let file = fleet.file(".my.cnf", &client);
    let home = std::path::Path::new(&file).parent().unwrap().to_str().unwrap().to_owned();
    run(&fleet, &home, &[MYSQL], &["status"]).expect(1).says("QUERYFLEET_MYSQL_URL is not set");
    run(&fleet, &home, &[MYSQL], &["status", "--defaults-file", &file]).expect(1).says("names no database");
    run(&fleet, &home, &[MYSQL], &["status", "--mysql-url", &format!("mysql://{server}/{name}")]).expect(0);
    fleet.file(".my.cnf", &format!("{client}[queryfleet]\ndatabase={name}\n"));
    run(&fleet, &home, &[MYSQL], &["status"]).expect(0).says("named");
    run(&fleet, &home, &[MYSQL], &["dead", "list"]).expect(0);
    fleet.file(".my.cnf", "[client]\n!include other.cnf\n");
    run(&fleet, &home, &[], &["status"]).expect(0).says("named");
    run(&fleet, &home, &[MYSQL], &["status"]).expect(1).says(".my.cnf:2: !include is not followed");
    let everybody = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(&file, everybody).unwrap();
    run(&fleet, &home, &[MYSQL], &["status"]).expect(1).says("is writable for everybody");

    // A password on the command line is refused, and not repeated.
    for (option, says) in [("--amqp-url", "--amqp-password-file"), ("--mysql-url", "--mysql-password-file")] {
        let url = if option == "--amqp-url" { &amqp } else { &mysql };
        let refused = fleet.run(&["status", option, url]).expect(1).says("holds a password");
        refused.says(says);
    }
    fleet.run(&["status", "--mysql-url", "postgres://h/d"]).expect(1).says("the URL of the database");
    fleet.run(&["demo", "--mysql-url", "mysql://h/d"]).expect(2);
}
