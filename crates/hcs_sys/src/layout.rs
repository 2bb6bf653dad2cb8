//! Structures that the DLLs take and fill. vmcompute.dll has no public header: those of the layers are as hcsshim's
//! `internal/wclayer` declares them; the others stand in computedefs.h and winnt.h. Sizes and offsets hold on 64-bit
//! Windows, the only one with the Host Compute Service.

use std::ffi::c_void;

/// `GUID`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guid {
    data1: u32,
    data2: u16,
    data3: u16,
    data4: [u8; 8],
}

impl std::fmt::Display for Guid {
    /// Lower case and without braces, as the documents want it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { data1, data2, data3, data4: [a, b, rest @ ..] } = self;
        write!(f, "{data1:08x}-{data2:04x}-{data3:04x}-{a:02x}{b:02x}-")?;
        rest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The `DriverInfo` of the layer functions.
#[repr(C)]
pub(crate) struct DriverInfo {
    /// 1: the filter driver, which is the only one still in use.
    pub(crate) flavour: i32,
    /// The directory that layer ids are relative to; empty where they are whole paths.
    pub(crate) home: *const u16,
}

/// `WC_LAYER_DESCRIPTOR`.
#[repr(C)]
pub(crate) struct LayerDescriptor {
    pub(crate) id: Guid,
    /// Bit 31: dirty; all others are reserved.
    pub(crate) flags: u32,
    pub(crate) path: *const u16,
}

/// `HCS_PROCESS_INFORMATION`.
#[repr(C)]
pub(crate) struct ProcessInformation {
    pub(crate) process_id: u32,
    pub(crate) reserved: u32,
    pub(crate) stdin: *mut c_void,
    pub(crate) stdout: *mut c_void,
    pub(crate) stderr: *mut c_void,
}

/// `HCS_EVENT`.
#[repr(C)]
pub(crate) struct Event {
    pub(crate) kind: u32,
    pub(crate) data: *const u16,
    pub(crate) operation: *mut c_void,
}

/// `UNICODE_STRING`: lengths in bytes.
#[repr(C)]
pub(crate) struct UnicodeString {
    pub(crate) length: u16,
    pub(crate) maximum_length: u16,
    pub(crate) buffer: *const u16,
}

/// `OBJECT_ATTRIBUTES`.
#[repr(C)]
pub(crate) struct ObjectAttributes {
    pub(crate) length: u32,
    pub(crate) root_directory: *mut c_void,
    pub(crate) object_name: *const UnicodeString,
    pub(crate) attributes: u32,
    pub(crate) security_descriptor: *const c_void,
    pub(crate) security_quality_of_service: *const c_void,
}

/// `GROUP_AFFINITY`: processors of one group.
#[repr(C)]
pub(crate) struct GroupAffinity {
    pub(crate) mask: usize,
    pub(crate) group: u16,
    pub(crate) reserved: [u16; 3],
}

/// `VIRTUAL_STORAGE_TYPE` of virtdisk.h: the format of a disk's file.
#[repr(C)]
pub(crate) struct VirtualStorageType {
    pub(crate) device: u32,
    pub(crate) vendor: Guid,
}

/// `OPEN_VIRTUAL_DISK_PARAMETERS` of virtdisk.h: a version and a union, whose largest member, that of version 3, is
/// declared here. Version 2 has its first three fields.
#[repr(C)]
pub(crate) struct OpenVirtualDiskParameters {
    pub(crate) version: u32,
    pub(crate) info_only: i32,
    pub(crate) read_only: i32,
    pub(crate) resiliency: Guid,
    pub(crate) snapshot: Guid,
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    macro_rules! assert_layout {
        ($type:ident, $size:literal, $($field:ident @ $offset:literal),*) => {
            assert_eq!(size_of::<$type>(), $size, stringify!($type));
            $(assert_eq!(offset_of!($type, $field), $offset, "{}.{}", stringify!($type), stringify!($field));)*
        };
    }

    #[test]
    fn structures_lie_as_windows_has_them() {
        assert_layout!(Guid, 16, data1 @ 0, data2 @ 4, data3 @ 6, data4 @ 8);
        assert_layout!(DriverInfo, 16, flavour @ 0, home @ 8);
        assert_layout!(LayerDescriptor, 32, id @ 0, flags @ 16, path @ 24);
        assert_layout!(ProcessInformation, 32, process_id @ 0, reserved @ 4, stdin @ 8, stdout @ 16, stderr @ 24);
        assert_layout!(Event, 24, kind @ 0, data @ 8, operation @ 16);
        assert_layout!(UnicodeString, 16, length @ 0, maximum_length @ 2, buffer @ 8);
        assert_layout!(
            ObjectAttributes, 48, length @ 0, root_directory @ 8, object_name @ 16, attributes @ 24,
            security_descriptor @ 32, security_quality_of_service @ 40
        );
        assert_layout!(GroupAffinity, 16, mask @ 0, group @ 8, reserved @ 10);
        assert_layout!(VirtualStorageType, 20, device @ 0, vendor @ 4);
        assert_layout!(
            OpenVirtualDiskParameters, 44, version @ 0, info_only @ 4, read_only @ 8, resiliency @ 12, snapshot @ 28
        );
    }

    #[test]
    fn a_guid_prints_as_the_documents_want_it() {
        let guid = Guid {
            data1: 0xDF6D_0690,
            data2: 0x79E5,
            data3: 0x55B6,
            data4: [0xA5, 0xEC, 0xC1, 0xE2, 0xF7, 0x7F, 0x58, 0x0A],
        };
        assert_eq!(guid.to_string(), "df6d0690-79e5-55b6-a5ec-c1e2f77f580a");
    }
}
