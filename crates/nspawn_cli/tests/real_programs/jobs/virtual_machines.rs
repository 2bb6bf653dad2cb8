//! Programs that bring a virtual machine: just-in-time compilers, own threads, own memory management.

use crate::case::Stdio;

const INPUT: &str = "zwei eins\nЖ zwei\n中\n";

super::jobs! {
    // The original's own example.
    jvm_tells_its_version: JVM {
        arguments: &["-version"],
        says: "OpenJDK Runtime Environment",
    }

    jvm_counts_words_and_starts_another_jvm: JVM {
        arguments: &["-cp", ".", "Work", "two words", "\"quoted\"", "back\\slash\\", ""],
        files: &[("Work.class", include_bytes!("../files/Work.class"))],
        stdio: Stdio::Pipes(INPUT),
        status: 3,
        says: "child of 21, exit 42",
        writes: &["counts-é.txt"],
    }

    node_starts_a_child_and_a_thread: NODE {
        arguments: &["job.js", "ключ=значение", "日本語 \"q\" \\", "tail\\\\", "🦀", ""],
        files: &[("job.js", include_bytes!("../files/job.js"))],
        status: 41,
        says: "child 7 дитя",
        writes: &["папка/lines.json"],
    }

    // libuv takes Windows pipes only: under bare Wine 8 Unix pipes as stdin or stdout end Node with EBADF.
    node_reads_and_writes_pipes: NODE {
        arguments: &["job.js"],
        files: &[("job.js", include_bytes!("../files/job.js"))],
        stdio: Stdio::Pipes(INPUT),
        status: 41,
        says: "bytes 22",
        writes: &["папка/lines.json"],
    }

    node_writes_to_both_streams: NODE {
        arguments: &["--eval", "process.stderr.write('to stderr\\n'); console.log('to stdout'); process.exit(250)"],
        status: 250,
        says: "to stderr",
    }

    node_finds_its_environment_and_an_empty_input: NODE {
        arguments: &["-p", "process.env.ПРИВЕТ + require('node:fs').readdirSync('src').sort()"],
        files: &[("src/б.txt", b""), ("src/a b.txt", b"")],
        environment: &[("ПРИВЕТ", "мир ")],
        says: "мир a b.txt,б.txt",
    }
}
