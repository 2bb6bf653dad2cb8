//! What runs in the containers of tests. Does one thing, named by its first argument:
//!
//! ```text
//! exit N       exits with N
//! obey N       says `ready`, and exits with N at the first signal
//! ignore       says `ready`, takes every signal and stays
//! copy N       copies its input to its output, and exits with N
//! say N WORD   writes WORD to its output and to its errors, and exits with N
//! ```

#[cfg(not(windows))]
fn main() {}

#[cfg(windows)]
#[expect(clippy::disallowed_methods, reason = "all 32 bits of an exit code, which main cannot return")]
fn main() {
    std::process::exit(run().unwrap_or(98));
}

#[cfg(windows)]
fn run() -> std::io::Result<i32> {
    use std::io::Write as _;

    use service::signal::Signals;

    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let verb = next();
    let code = next().parse::<u32>().unwrap_or(97).cast_signed();
    let ready = || -> std::io::Result<Signals> {
        let signals = Signals::take()?;
        writeln!(std::io::stdout(), "ready")?;
        Ok(signals)
    };
    match verb.as_str() {
        "exit" => {}
        "obey" => ready()?.wait(),
        "ignore" => {
            let signals = ready()?;
            loop {
                signals.wait();
            }
        }
        "copy" => drop(std::io::copy(&mut std::io::stdin(), &mut std::io::stdout())?),
        "say" => {
            let word = next();
            // Each in one piece: both may lead to one file.
            std::io::stdout().write_all(format!("out {word}\n").as_bytes())?;
            std::io::stderr().write_all(format!("err {word}\n").as_bytes())?;
        }
        _ => return Ok(99),
    }
    Ok(code)
}
