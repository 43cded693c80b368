//! Element: sends clients what is placed, and tells them of another map.

use super::Relay;
use crate::components::audience::Audience;
use crate::components::element::ElementFact;
use crate::net::protocol::ServerMessage;
use crate::net::protocol::element::{ElementPlacedS2c, ElementRemovedS2c, ElementS2c};

impl Relay {
    /// Sends the fact to the clients it is for.
    pub(super) fn tell_element(&self, fact: &ElementFact) {
        let message = match fact {
            ElementFact::Placed { placement, version } => {
                ServerMessage::Element(ElementS2c::Placed(ElementPlacedS2c {
                    id: placement.id.to_string(),
                    element: placement.element.to_string(),
                    x: placement.corner.x,
                    y: placement.corner.y,
                    map_version: *version,
                }))
            }
            ElementFact::Removed { id, version } => {
                ServerMessage::Element(ElementS2c::Removed(ElementRemovedS2c {
                    id: id.to_string(),
                    map_version: *version,
                }))
            }
            ElementFact::LayoutReplaced { version } => return self.tell_of_map(*version),
        };
        self.send(Audience::Everyone, &message);
    }
}
