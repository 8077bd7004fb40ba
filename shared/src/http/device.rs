//! What a login keeps of a device, as requests name it.

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::{ids::is_url_safe, model::Device};

const DEVICE_ID_BYTES: usize = 256;
const DEVICE_NAME_BYTES: usize = 64;
const USER_AGENT_BYTES: usize = 64;

/// A `device_id` of more than 256 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceIdTooLong;

/// The app's id of the installation, for storing; `None` for an empty one. It is only ever compared, so an id in any other form than
/// 16 to 64 URL-safe characters is hashed: platforms hand out ids with braces, colons, or 15 digits, and a login isn't refused for it.
///
/// # Errors
/// [`DeviceIdTooLong`] for one of more than 256 bytes.
pub fn device_id(sent: String) -> Result<Option<String>, DeviceIdTooLong> {
    match sent.len() {
        0 => Ok(None),
        16..=64 if is_url_safe(&sent) => Ok(Some(sent)),
        1..=DEVICE_ID_BYTES => Ok(Some(Device::id_of_any_form(&sent))),
        _ => Err(DeviceIdTooLong),
    }
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

/// Text for display: without characters that no one sees or that turn the direction of others, cut between what people see as
/// characters; `None` if nothing is left.
fn clip(text: &str, bytes: usize) -> Option<String> {
    let shown: String = text.chars().filter(|character| is_shown(*character)).collect();
    let end = shown.grapheme_indices(true).map(|(start, cluster)| start + cluster.len()).take_while(|end| *end <= bytes).last();
    let text = shown.get(..end?)?.trim_matches(|character: char| character.is_whitespace() || is_joiner(character));
    (!text.is_empty()).then(|| text.to_owned())
}

fn is_shown(character: char) -> bool {
    match get_general_category(character) {
        GeneralCategory::Control => false,
        // UTR 36, section 2.5: among these are the overrides of direction.
        GeneralCategory::Format => is_joiner(character),
        _ => true,
    }
}

/// Scripts and emoji need these two between letters.
const fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_people_is_cut_at_a_character() {
        assert_eq!(device_name(&"é".repeat(40)), Some("é".repeat(32)));
        assert_eq!(device_name(&"’".repeat(40)), Some("’".repeat(21)));
        assert_eq!(user_agent(&"a".repeat(200)), Some("a".repeat(64)));
        assert_eq!(device_name(" \n "), None);
    }

    #[test]
    fn a_family_is_not_cut_in_two() {
        const FAMILY: &str = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}";
        assert_eq!(FAMILY.len(), 25);
        assert_eq!(device_name(&FAMILY.repeat(3)), Some(FAMILY.repeat(2)));
        assert_eq!(device_name(&"e\u{301}".repeat(30)), Some("e\u{301}".repeat(21)));
    }

    #[test]
    fn nothing_invisible_is_kept() {
        assert_eq!(device_name("safe\u{202e}gnp.exe").as_deref(), Some("safegnp.exe"));
        assert_eq!(device_name("\u{200b}\u{200b}"), None);
        assert_eq!(device_name("\u{200d}\u{200c} "), None);
        assert_eq!(device_name("\u{feff}Ada’s \u{1b}[1mphone\u{7}").as_deref(), Some("Ada’s [1mphone"));
    }

    #[test]
    fn a_device_id_of_16_to_64_url_safe_characters_is_kept_as_it_is() {
        for fitting in ["0123456789abcdef", &"-".repeat(64)] {
            assert_eq!(device_id(fitting.to_owned()), Ok(Some(fitting.to_owned())));
        }
    }

    /// An Android id without its leading zero, a GUID, a push token, and other ids that platforms give.
    #[test]
    fn a_device_id_of_any_other_form_is_hashed() {
        let mut ids = Vec::new();
        let long = "a".repeat(256);
        for other in ["774d56d682e549c", "{3F0C5C1E-8F1D-4D0B-9B5E-1A2F0F5CE0D1}", "ExponentPushToken[xx]", "a:b", "0123456789abcdé", &long]
        {
            let id = device_id(other.to_owned()).unwrap().unwrap();
            assert!(id.len() == 43 && is_url_safe(&id), "{other}");
            assert_eq!(device_id(other.to_owned()), Ok(Some(id.clone())));
            ids.push(id);
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 6);
        assert_eq!(device_id(String::new()), Ok(None));
        assert_eq!(device_id("a".repeat(257)), Err(DeviceIdTooLong));
    }
}
