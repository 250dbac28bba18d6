//! Completion scripts: the files in `completions/` are what the binary prints.

use std::fs;
use std::path::Path;

use super::Folder;

#[test]
fn files_are_fresh() {
    let folder = Folder::new();
    for (shell, file) in [
        ("bash", "transmog.bash"),
        ("zsh", "_transmog"),
        ("fish", "transmog.fish"),
        ("powershell", "_transmog.ps1"),
        ("elvish", "transmog.elv"),
    ] {
        let script = folder.run(&format!("completions {shell}")).stdout();
        assert!(script.contains("--arrays-at") || script.contains("arrays-at"), "{shell}");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file);
        if std::env::var_os("UPDATE_COMPLETIONS").is_some() {
            fs::write(&path, &script).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == script, "completions/{file} is stale: UPDATE_COMPLETIONS=1 cargo test");
    }
}

#[test]
fn an_unknown_shell_lists_the_known_ones() {
    Folder::new().run("completions ksh").fails_with(
        2,
        "error: `SHELL`: expected `bash`, `elvish`, `fish`, `powershell`, `zsh`, found `ksh`\n",
    );
}
