//! What an ELF program needs. An image from scratch holds no dynamic linker: a program that asks for one dies with "no
//! such file or directory", which names the wrong file. Better said here than by a pod.

use object::elf::{EM_AARCH64, EM_X86_64, FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind};

/// The processor that a program is for, as OCI names it.
///
/// # Errors
/// It is no 64-bit ELF file for amd64 or arm64; the text names the remedy.
pub fn architecture(content: &[u8]) -> Result<&'static str, String> {
    let header = header(content)?;
    let endian = header.endian().map_err(|e| format!("is no program for Linux: {e}"))?;
    match header.e_machine(endian) {
        EM_X86_64 => Ok("amd64"),
        EM_AARCH64 => Ok("arm64"),
        other => Err(format!(
            "is for ELF machine {other}; build it for x86_64 (62) or aarch64 (183)"
        )),
    }
}

/// Refuses what could not start in an image that holds nothing else.
pub(crate) fn check(content: &[u8]) -> Result<(), String> {
    architecture(content)?;
    let header = header(content)?;
    let segments = header
        .endian()
        .and_then(|endian| Ok((endian, header.program_headers(endian, content)?)))
        .map_err(|e| format!("is no program for Linux: {e}"))?;
    let dynamic = segments.1.iter().any(|s| s.p_type(segments.0) == PT_INTERP);
    if dynamic {
        return Err("is linked dynamically, and the image has no linker; \
             build it with RUSTFLAGS='-C target-feature=+crt-static' and --target, or CGO_ENABLED=0"
            .into());
    }
    Ok(())
}

fn header(content: &[u8]) -> Result<&FileHeader64<Endianness>, String> {
    match FileKind::parse(content) {
        Ok(FileKind::Elf64) => FileHeader64::parse(content).map_err(|e| format!("is no program for Linux: {e}")),
        _ => Err("is no program for Linux: build it for x86_64 or aarch64 Linux (64-bit ELF)".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This test's own binary: for this machine, and dynamic as every debug build is.
    #[test]
    fn knows_the_processor_and_the_linker() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let here = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
        assert_eq!(architecture(&own), Ok(here));
        assert!(check(&own).unwrap_err().contains("linked dynamically"));
    }

    #[test]
    fn refuses_what_is_no_program() {
        for content in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", &[0x7f; 64]] {
            assert!(
                check(content).unwrap_err().contains("is no program for Linux"),
                "{content:?}"
            );
        }
    }
}
