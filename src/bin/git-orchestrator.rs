//! The same program under the name by which git finds it: `git orchestrator status`.

fn main() -> std::process::ExitCode {
    orchestrator::cli::main()
}
