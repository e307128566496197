//! Tells the linker what to lay at the front of the program's code: see `benches/start.ld`.
//!
//! Only in a release for Linux, where it counts, and not for a linker that was chosen by hand, which may not know
//! such scripts. Without it the program does the same, a little later: `ORCHESTRATOR_LAYOUT=none` builds it so.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=benches/start.ld");
    println!("cargo::rerun-if-env-changed=ORCHESTRATOR_LAYOUT");
    let is = |name, value: &str| env::var(name).is_ok_and(|is| is == value);
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let is_chosen = env::var_os("RUSTC_LINKER").is_some()
        || ["linker", "fuse-ld", "ld-path"].iter().any(|word| flags.contains(word));
    let is_wanted = !is("ORCHESTRATOR_LAYOUT", "none");
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is_wanted && !is_chosen {
        let here = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-T{here}/benches/start.ld");
    }
}
