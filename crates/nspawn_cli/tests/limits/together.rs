//! All limits at once, with the numbers of the original program's own example.

use std::fs;

use serde_json::json;

use crate::case::{Case, rows};
use crate::hog::{Hog, number};
use crate::launcher::machine::{Need, processor_away_us, processors};
use crate::launcher::programs::Target;
use crate::launcher::run::run;

rows!(the_original_s_example);

fn the_original_s_example(case: Case) {
    let limits = json!({
        "max_ram_mb": 512,
        "cpus_count": 1,
        "cpu_affinity_hex": 1,
        "max_cpu_percent": 25,
        "max_storage_iops": 1024,
        "max_storage_bandwidth_bytes_per_sec": 10_485_760,
    });
    let Some(hog) = Hog::held(case, &limits, &[Need::Disk]) else { return };
    let mut config = limits;
    config["mapped_directory"] = json!("c:/nspawndir");
    config["stdout_filename"] = json!("nspawn_out.txt");
    if case.target == Target::Windows {
        fs::create_dir_all(hog.place.at("layer/Files")).unwrap();
        config["parent_layer_directory"] = json!(hog.place.at("layer"));
    }
    hog.configure(&config, &["processors"]);
    let mut ran = run(&mut hog.launcher()).succeeded();
    assert!(ran.stdout.is_empty(), "{ran:?}");
    ran.stdout = fs::read(hog.place.work().join("nspawn_out.txt")).unwrap();

    // A count and a percentage are both rates, and a document has room for one: the tighter counts, and a step says so.
    let quarter = 0.25 * processors() as f64;
    let key = if quarter < 1.0 { "max_cpu_percent" } else { "cpus_count" };
    assert!(
        ran.stderr.lines().any(|line| line.contains("by count") && line.contains("the tighter")),
        "{ran:?}"
    );
    let (used, wall) = (number(&ran, "used") as f64, number(&ran, "wall") as f64);
    assert!(used <= quarter.min(1.0) * (wall + 110_000.0) * 1.03 + 20_000.0 + processor_away_us(), "{ran:?}");
    assert_eq!(number(&ran, "ran-on"), 1, "{ran:?}");
    assert_eq!(number(&ran, "count"), 1, "{ran:?}");
    let verdicts = [
        ("max_ram_mb", "enforced"),
        (key, "enforced"),
        ("cpu_affinity_hex", "enforced"),
        ("max_storage_iops", "partial"),
        ("max_storage_bandwidth_bytes_per_sec", "partial"),
    ];
    for (limit, verdict) in verdicts {
        assert_eq!(hog.verdict(limit)["verdict"], verdict, "{limit}");
    }
    assert!(hog.place.report()["memory_peak_bytes"].as_u64().unwrap() <= 512 << 20);
}
