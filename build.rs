//! Tells the linker what to lay at the front of the program's code: see `benches/start.ld`.
//!
//! Only in a release for Linux, where it counts, and not for a linker that was chosen by hand, which may not know
//! such scripts. Without it the program does the same, a little later.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=benches/start.ld");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    let is = |name, value: &str| env::var(name).is_ok_and(|is| is == value);
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let is_chosen = env::var_os("RUSTC_LINKER").is_some() || flags.contains("fuse-ld");
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && !is_chosen {
        let here = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{here}/benches/start.ld");
    }
}
