//! Owns which platform an image is for: PURE.

use crate::error::Error;
use object::Endianness;
use object::elf::{EM_AARCH64, EM_X86_64, FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};
use std::fmt;

/// What Fargate runs on Linux (ECS API, `RuntimePlatform.cpuArchitecture`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    Amd64,
    Arm64,
}

impl Platform {
    /// As an image's configuration has it.
    pub(crate) const fn architecture(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// `linux/amd64`, or the CPU alone.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        match text.strip_prefix("linux/").unwrap_or(text) {
            "amd64" | "x86_64" => Ok(Self::Amd64),
            "arm64" | "aarch64" => Ok(Self::Arm64),
            _ => Err(Error::usage(format!("the platform `{text}` is not known"))
                .hinted("linux/amd64 or linux/arm64: Fargate runs migrations on these")),
        }
    }

    /// What a task definition runs on; `X86_64` where it says nothing, as ECS does.
    pub(crate) fn of_definition(definition: &serde_json::Value) -> Result<Self, Error> {
        let platform = &definition["runtimePlatform"];
        match platform["operatingSystemFamily"].as_str() {
            None | Some("LINUX") => {}
            Some(other) => {
                return Err(Error::usage(format!(
                    "the task definition is for {other}, but the image is for Linux"
                )));
            }
        }
        match platform["cpuArchitecture"].as_str() {
            None | Some("X86_64") => Ok(Self::Amd64),
            Some("ARM64") => Ok(Self::Arm64),
            Some(other) => Err(Error::usage(format!(
                "the task definition is for the CPU {other}, which is neither X86_64 nor ARM64"
            ))),
        }
    }

    /// Refuses a file that cannot be started alone on this platform: what a Fargate task would say
    /// only after its image was pulled (`exec format error`, `no such file or directory`).
    pub(crate) fn check(self, program: &[u8]) -> Result<(), String> {
        const NOT_A_PROGRAM: &str = "is not a 64-bit Linux program";
        let header = FileHeader64::<Endianness>::parse(program).map_err(|_| NOT_A_PROGRAM)?;
        let endian = header.endian().map_err(|_| NOT_A_PROGRAM)?;
        let found = match header.e_machine(endian) {
            EM_X86_64 => Some(Self::Amd64),
            EM_AARCH64 => Some(Self::Arm64),
            _ => None,
        };
        match found {
            Some(found) if found == self => {}
            Some(found) => return Err(format!("is for {found}, but the image is for {self}")),
            None => return Err(format!("is for another CPU, but the image is for {self}")),
        }
        let headers = header.program_headers(endian, program).map_err(|_| NOT_A_PROGRAM)?;
        if headers.iter().any(|header| header.p_type(endian) == PT_INTERP) {
            return Err(
                "needs a dynamic linker, and an image of it alone has none: a static one is needed"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "linux/{}", self.architecture())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_files::elf;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_program_for_another_cpu_or_with_a_linker_is_refused() {
        const LOAD: u8 = 1;
        const INTERP: u8 = 3;
        assert_eq!(Platform::Amd64.check(&elf(62, LOAD)), Ok(()));
        assert_eq!(Platform::Arm64.check(&elf(183, LOAD)), Ok(()));
        for (platform, file, said) in [
            (
                Platform::Arm64,
                elf(62, LOAD),
                "is for linux/amd64, but the image is for linux/arm64",
            ),
            (Platform::Amd64, elf(3, LOAD), "is for another CPU, but the image is for linux/amd64"),
            (
                Platform::Amd64,
                elf(62, INTERP),
                "needs a dynamic linker, and an image of it alone has none: a static one is needed",
            ),
            (Platform::Amd64, b"#!/bin/sh\n".to_vec(), "is not a 64-bit Linux program"),
            (Platform::Amd64, elf(62, LOAD)[..64].to_vec(), "is not a 64-bit Linux program"),
            (Platform::Amd64, Vec::new(), "is not a 64-bit Linux program"),
        ] {
            assert_eq!(platform.check(&file), Err(said.to_owned()));
        }
    }

    #[test]
    fn the_definition_decides() {
        for (definition, expected) in [
            (json!({}), Some(Platform::Amd64)),
            (json!({"runtimePlatform": {"cpuArchitecture": "X86_64"}}), Some(Platform::Amd64)),
            (
                json!({"runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}}),
                Some(Platform::Arm64),
            ),
            (
                json!({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}),
                None,
            ),
        ] {
            assert_eq!(Platform::of_definition(&definition).ok(), expected, "{definition}");
        }
        assert_eq!(Platform::parse("linux/arm64").ok(), Some(Platform::Arm64));
        assert!(Platform::parse("windows/amd64").is_err());
    }
}
