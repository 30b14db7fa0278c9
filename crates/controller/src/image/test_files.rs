//! Owns files that tests make images of.

use std::path::Path;

/// The head of a static program for x86-64, which nobody can run.
pub(super) fn static_program() -> Vec<u8> {
    elf(62, 1)
}

/// An ELF header for a machine with one program header of a kind.
pub(super) fn elf(machine: u8, kind: u8) -> Vec<u8> {
    let mut file = vec![0_u8; 64 + 56];
    file[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    (file[16], file[18], file[20]) = (2, machine, 1);
    (file[32], file[52], file[54], file[56]) = (64, 64, 56, 1);
    file[64] = kind;
    file
}

/// A directory of two migrations.
pub(super) fn two_migrations(root: &Path) {
    project(root, &["20260101000000_a", "20260102000000_b"]);
}

/// Migrations of these names.
pub(super) fn project(root: &Path, names: &[&str]) {
    for name in names {
        let folder = root.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("migration.sql"), format!("-- {name}\n")).unwrap();
    }
}
