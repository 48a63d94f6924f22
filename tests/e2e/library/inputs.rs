//! What a program publishes beside statements of its own, and what a publish and a wait tell it.

use queryfleet::{CsvDialect, End, ErrorKind, InputFormat, Progress, Publish, RangeSize, WaitsForKind};
use queryfleet_tests::Fleet;

use super::{block, counted, library};

#[test]
fn rows_and_ranges_are_those_of_the_command() {
    let fleet = Fleet::new();
    fleet.make_counters(1_000);
    let library = library(&fleet);
    let update = "UPDATE t SET n = n + :add WHERE id = :id";
    let noted = "UPDATE t SET n = n + :add WHERE id = :id AND :note <> ''";
    let csv = fleet.file("rows.csv", "id,add,note\n1,1,\"a\\0b\"\n2,1,c\n");
    let pairs = fleet.file("pairs", "{\"id\": 3, \"add\": 1}\n{\"id\": 4, \"add\": 1}\n");
    let cut = fleet.file("cut.sql", "UPDATE t SET n = n + 1 WHERE id = 5;\n");
    block(async {
        // Whether its backslash escapes is not in the file.
        let ambiguous = library.publish(Publish::rows(noted, &csv).run("ambiguous")).await.unwrap_err();
        assert!(matches!(ambiguous.kind(), ErrorKind::Input { line: 2, .. }), "{ambiguous:?}");
        let rows = Publish::rows(noted, &csv).csv_dialect(CsvDialect::Rfc4180).run("csv");
        assert_eq!(library.run(rows, 2).await.unwrap().end, End::Done);
        let objects = Publish::rows(update, &pairs).format(InputFormat::Ndjson).run("objects");
        assert_eq!(library.run(objects, 2).await.unwrap().end, End::Done);
        let other = Publish::files([&cut]).sha256("0".repeat(64)).run("cut");
        assert_eq!(library.publish(other).await.unwrap_err().kind(), &ErrorKind::Request);
        let ranges = |size| {
            let rest = "UPDATE t SET n = n + 1 WHERE :range AND n = 0";
            Publish::ranges(rest, "t.id", RangeSize::Rows(size)).run(format!("ranges-{size}"))
        };
        assert_eq!(library.publish(ranges(0)).await.unwrap_err().kind(), &ErrorKind::Request);
        let ended = library.run(ranges(100), 2).await.unwrap();
        assert_eq!((ended.end, ended.status.total), (End::Done, Some(10)));
    });
    fleet.assert_each_once();
}

#[test]
fn a_publish_says_how_it_grouped_and_a_wait_what_for() {
    let fleet = Fleet::new();
    fleet.make_counters(500);
    let library = library(&fleet);
    let updates = || counted(1..=500).run("grouped");
    block(async {
        let published = library.publish(updates()).await.unwrap();
        let chunks = &published.chunks;
        assert_eq!((published.chunk, chunks.size, chunks.grouped), (None, None, 500));
        assert!(chunks.most > 1 && chunks.messages < 500, "{chunks:?}");
        let mut waiting = library.wait("grouped");
        while let Some(progress) = waiting.next().await {
            let Progress::Running { waits_for: Some(waits_for), status } = progress else { continue };
            assert!(status.is_published);
            assert_eq!(waits_for.kind(), WaitsForKind::Worker);
            assert!(waits_for.to_string().starts_with("no worker serves queue"), "{waits_for}");
            break;
        }
        // It looks again, but nobody asks it any more.
        assert!(waiting.cancel().await.is_none());
        assert_eq!(library.run(updates(), 2).await.unwrap().end, End::Done);
        let past = library.publish(updates()).await.unwrap().past.unwrap();
        assert!(past.at.is_some() && past.to_string().contains("with 500 done"), "{past}");
        // Each reads a lot, and is alone for it.
        let scans = (1..=200).map(|n| format!("UPDATE t SET n = n + 0 WHERE n = -{n}"));
        let alone = library.publish(Publish::statements(scans)).await.unwrap().chunks.alone;
        let [alone] = alone.as_slice() else { panic!("{alone:?}") };
        assert_eq!((alone.reason.as_str(), alone.jobs), ("scan", 200));
    });
}
