//! The program. All of it is in the library, which `git-orchestrator` shares.

fn main() -> std::process::ExitCode {
    orchestrator::cli::main()
}
