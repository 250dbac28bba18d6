//! What packages are made of, as Cargo.toml names it, is there.

use std::path::Path;

#[test]
fn files_of_packages_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let is_asset = |line: &&str| line.starts_with("    [\"") || line.starts_with("    { source = ");
    let sources = manifest.lines().filter(is_asset).map(|line| line.split('"').nth(1).unwrap());
    // packaging/release.sh makes the others
    let (made, kept): (Vec<_>, Vec<_>) = sources.partition(|source| source.starts_with("target/"));
    assert_eq!((made.len(), kept.len()), (6, 16));
    for source in kept {
        let pattern = root.join(source);
        let mut found = glob::glob(pattern.to_str().unwrap()).unwrap();
        assert!(found.next().is_some_and(|path| path.is_ok()), "{source}");
    }
}
