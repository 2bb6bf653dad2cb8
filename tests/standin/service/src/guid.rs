//! Ids of layers, as `NameToGuid` makes them of names.

use uuid::Uuid;

/// Answers of the real DLL that are known from reports; how it makes them is not.
const KNOWN: [(&str, &str); 4] = [
    ("4", "bd9c3ef9-f239-59b5-a27e-15c523b1d149"),
    (
        "65bf96e5760a09edf1790cb229e2dfb2dbd0fcdc0bf7451bae099106bfbfea0c",
        "18955d65-d45a-557b-bf1c-49d6dfefc526",
    ),
    (
        "3128f32ed0a0b7ced2503b3c32b8ff5bde17571a6787415d8e0475c234cb3968",
        "a9ab901e-0019-5e3d-a674-4047745fe107",
    ),
    (
        "bd6c5e246547defee9be0f35dba4f6cb79e198acc1ede93230ac380cf7212865",
        "085dbfb9-4864-5b7d-9c85-30a0cb291186",
    ),
];

/// Returns the id of the layer of that name: the known one, or any that is always the same.
pub fn of_name(name: &str) -> Uuid {
    let known = KNOWN.iter().find(|(known, _)| *known == name).and_then(|(_, id)| id.parse().ok());
    known.unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

/// Returns the id of the layer at that path: that of its last name.
pub fn of_path(path: &str) -> Uuid {
    let separators = ['\\', '/'];
    of_name(path.trim_end_matches(separators).rsplit(separators).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_have_their_ids_and_all_others_a_fixed_one() {
        for (name, id) in KNOWN {
            assert_eq!(of_name(name).to_string(), id);
        }
        assert_eq!(of_name("base"), of_name("base"));
        assert_ne!(of_name("base"), of_name("Base"));
        assert_eq!(of_name("base").get_version_num(), 5);
        for path in [r"C:\layers\base", r"C:\layers/base\", "base"] {
            assert_eq!(of_path(path), of_name("base"), "{path}");
        }
    }
}
