//! Schema v1: the documents of vmcompute.dll, the only ones that build 14393 (Windows Server 2016) takes; build
//! 17763 (Windows Server 2019) still takes them.

mod container;
mod process;

pub use container::{ContainerConfig, Layer, MappedDirectory, MappedPipe, SystemType};
pub use process::ProcessConfig;
