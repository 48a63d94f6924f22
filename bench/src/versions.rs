//! What was measured: the versions that are found at run time.

use std::process::Command;

use crate::ground::Ground;

/// A program and its version, for each that takes part.
pub(crate) fn all(ground: &Ground) -> Vec<(String, String)> {
    let packages = "import sys, MySQLdb, celery, kombu, dramatiq, pika; \
        print(sys.version.split()[0], '.'.join(map(str, MySQLdb.version_info[:3])), celery.__version__, \
        kombu.__version__, dramatiq.__version__, pika.__version__)";
    let python = first_line(ground.python("python").args(["-c", packages]));
    let rabbitmq = ground.stack.rabbitmq.ctl(&["version"]).unwrap_or_default();
    let database = ground.stack.database.query("SELECT VERSION()").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut versions = vec![
        ("cores, for all together".into(), cores.to_string()),
        ("queryfleet".into(), first_line(ground.built("queryfleet").arg("--version"))),
        ("RabbitMQ".into(), rabbitmq.trim().to_owned()),
        ("MariaDB".into(), database.trim().to_owned()),
        ("pt-archiver".into(), first_line(Command::new("pt-archiver").arg("--version"))),
    ];
    let names = ["Python", "mysqlclient", "Celery", "kombu", "Dramatiq", "pika"];
    versions.extend(
        names.into_iter().zip(python.split(' ')).map(|(name, version)| (name.into(), version.into())),
    );
    versions
}

/// The commit that is measured, with a `+` when the tree differs from it in more than earlier results.
pub(crate) fn revision() -> String {
    let commit = first_line(Command::new("git").args(["rev-parse", "--short", "HEAD"]));
    let others = ["--", ".", ":!bench/results.*", ":!bench/RESULTS.md"];
    let same = Command::new("git").args(["diff", "--quiet", "HEAD"]).args(others).status();
    if same.is_ok_and(|status| status.success()) { commit } else { commit + "+" }
}

fn first_line(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or("?").trim().to_owned()
}
