//! What a login keeps of a device, as requests name it.

use crate::ids::is_url_safe;

const DEVICE_NAME_BYTES: usize = 64;
const USER_AGENT_BYTES: usize = 160;

/// The app's id of the installation. `None` for anything but 16 to 64 URL-safe characters.
#[must_use]
pub fn device_id(id: String) -> Option<String> {
    ((16..=64).contains(&id.len()) && is_url_safe(&id)).then_some(id)
}

/// A name for people, cut to what an item has room for.
#[must_use]
pub fn device_name(name: &str) -> Option<String> {
    clip(name, DEVICE_NAME_BYTES)
}

/// A User-Agent, cut to what an item has room for.
#[must_use]
pub fn user_agent(agent: &str) -> Option<String> {
    clip(agent, USER_AGENT_BYTES)
}

/// Text for display: without control characters, cut at a character boundary; `None` if nothing is left.
fn clip(text: &str, bytes: usize) -> Option<String> {
    let mut text: String = text.chars().filter(|character| !character.is_control()).collect();
    text.truncate(text.floor_char_boundary(bytes));
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_people_is_cut_at_a_character() {
        assert_eq!(device_name(&"é".repeat(40)), Some("é".repeat(32)));
        assert_eq!(device_name(&"’".repeat(40)), Some("’".repeat(21)));
        assert_eq!(user_agent(&"a".repeat(200)), Some("a".repeat(160)));
        assert_eq!(device_name(" \n "), None);
    }

    #[test]
    fn a_device_id_is_16_to_64_url_safe_characters() {
        for good in ["0123456789abcdef", &"-".repeat(64)] {
            assert_eq!(device_id(good.to_owned()).as_deref(), Some(good));
        }
        for wrong in ["", "0123456789abcde", &"a".repeat(65), "0123456789abcde!", "0123456789abcdé"] {
            assert_eq!(device_id(wrong.to_owned()), None, "{wrong}");
        }
    }
}
