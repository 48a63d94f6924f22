//! A database whose disk is full.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use queryfleet_tests::{Fleet, eventually};

const COUNT: u64 = 3000;
/// What a job inserts: together more than the disk has left. Small, because MariaDB ends itself when a rollback finds
/// no room, as that of a large row does.
const ROW_BYTES: u64 = 3000;
const LEFT_MB: u64 = 5;
const SOON: Duration = Duration::from_secs(60);

/// A small file system, as root, with the database's files on it.
struct Disk<'a> {
    fleet: &'a Fleet,
    folder: PathBuf,
}

fn shell(script: &str, arguments: &[&std::ffi::OsStr]) {
    let status = Command::new("sh").args(["-ec", script, "sh"]).args(arguments).status().unwrap();
    assert!(status.success(), "{script}");
}

impl<'a> Disk<'a> {
    fn new(fleet: &'a Fleet) -> Disk<'a> {
        let stack = &fleet.servers().stack;
        let folder = stack.folder().join("mariadb");
        stack.database.terminate().unwrap();
        let move_in = "mv \"$1\" \"$1.old\"; mkdir \"$1\"
            mount -t tmpfs -o mode=700,size=1g tmpfs \"$1\"
            cp -a \"$1.old/.\" \"$1\"; rm -r \"$1.old\"";
        shell(move_in, &[folder.as_ref()]);
        let disk = Disk { fleet, folder };
        stack.database.start_again().unwrap();
        disk
    }

    /// Leaves no more than this of it.
    fn shrink(&self, left_mb: u64) {
        let shrink = "size=$(($(du -sm \"$1\" | cut -f1) + $2)); mount -o remount,size=${size}m \"$1\"";
        shell(shrink, &[self.folder.as_ref(), left_mb.to_string().as_ref()]);
    }

    fn grow(&self) {
        shell("mount -o remount,size=1g \"$1\"", &[self.folder.as_ref()]);
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = self.fleet.servers().stack.database.kill();
        shell("umount \"$1\"", &[self.folder.as_ref()]);
    }
}

#[test]
#[ignore = "make faults: root, servers of its own"]
fn a_full_disk_of_the_database_is_waited_for() {
    let fleet = Fleet::with_own_servers();
    let disk = Disk::new(&fleet);
    fleet.sql("CREATE TABLE big (id INT PRIMARY KEY, body LONGBLOB NOT NULL) ENGINE=InnoDB");
    disk.shrink(LEFT_MB);
    let insert = |id| format!("INSERT INTO big VALUES ({id}, REPEAT(CHAR({id} % 100 + 1), {ROW_BYTES}));");
    let script = fleet.script((1..=COUNT).map(insert));
    fleet.publish(&script, "full");
    let worker = fleet.worker_with(3, &[("QUERYFLEET_MAX_ATTEMPTS", "2")]);
    worker.wait_for("1114");
    fleet.run(&["wait", "full", "--timeout", "3s"]).expect(5);
    assert!(fleet.ledger("done") < COUNT);
    assert_eq!(fleet.dead(), []);
    disk.grow();
    fleet.wait("full").expect(0);
    let whole = format!("SELECT COUNT(*) FROM big WHERE body = REPEAT(CHAR(id % 100 + 1), {ROW_BYTES})");
    assert_eq!(fleet.number(&whole), COUNT);
    eventually(SOON, "every copy has been settled", || fleet.messages() == 0);
}
