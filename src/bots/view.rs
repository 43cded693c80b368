//! View: what one game client has been shown, built from its frames as `docs/protocol.md` tells.
//!
//! Places lie in pages of 256 by player number: entries of a cell rise, so the next one is mostly on the page at hand.

use super::cursor::Cursor;
use crate::net::protocol::frame::{CELL_SIDE, CELL_TILES};

/// Players on one page.
const PAGE: usize = 256;

/// What is wrong with what the server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    /// The bytes do not spell a message.
    #[error("bytes that are no message")]
    Malformed,
    /// Its (epoch, tick) does not rise.
    #[error("a frame whose time does not rise")]
    TimeGoesBack,
    /// A stance that does not exist.
    #[error("a stance that does not exist")]
    NoStance,
}

/// Where a player is, as far as one client knows.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    x: i32,
    y: i32,
    cell: u16,
    /// Whether it is in view.
    held: bool,
    /// The client's own mark, 0 for none.
    mark: u8,
}

/// The part of a frame that belongs to one client alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tick: u64,
    pub(super) epoch: u64,
    pub(super) ack: u32,
    pub(super) x: i32,
    pub(super) y: i32,
}

/// Who is where.
pub(super) struct View {
    columns: u16,
    pages: Vec<(u32, Box<[Place; PAGE]>)>,
    at_hand: usize,
    last: (u64, u64),
    came: Vec<u32>,
}

impl View {
    pub(super) const fn new(width: u16) -> Self {
        Self {
            columns: width.div_ceil(CELL_TILES),
            pages: Vec::new(),
            at_hand: 0,
            last: (0, 0),
            came: Vec::new(),
        }
    }

    /// Applies a frame, the bytes behind the number of the variant; calls `moved` with the mark of every marked player
    /// whose place is another than before.
    pub(super) fn apply(&mut self, frame: &[u8], mut moved: impl FnMut(u8)) -> Result<Header, Wrong> {
        let mut bytes = Cursor(frame);
        let header = read_header(&mut bytes)?;
        let now = (header.epoch, header.tick);
        if now <= self.last {
            return Err(Wrong::TimeGoesBack);
        }
        self.last = now;
        self.read_came(&mut bytes)?;
        let gone = bytes.0;
        for _ in 0..bytes.number()? {
            bytes.long()?;
        }
        for _ in 0..bytes.number()? {
            self.read_cell(&mut bytes, &mut moved)?;
        }
        for _ in 0..bytes.number()? {
            let dropped = bytes.short()?;
            self.forget(|place| place.cell == dropped);
        }
        bytes.end()?;
        // Who is gone is told before the cells and goes after them.
        let mut gone = Cursor(gone);
        for _ in 0..gone.number()? {
            self.place(gone.long()?).held = false;
        }
        Ok(header)
    }

    fn read_came(&mut self, bytes: &mut Cursor) -> Result<(), Wrong> {
        let is_full = bytes.flag()?;
        self.came.clear();
        for _ in 0..bytes.number()? {
            self.came.push(bytes.long()?);
            bytes.text()?;
            bytes.text()?;
            bytes.option(|bytes| bytes.text().and_then(|_| bytes.text()))?;
            // Status and media.
            bytes.take(2)?;
        }
        if is_full {
            self.came.sort_unstable();
            for (page, places) in &mut self.pages {
                for (player, place) in (*page * PAGE as u32..).zip(places.iter_mut()) {
                    place.held &= self.came.binary_search(&player).is_ok();
                }
            }
        }
        Ok(())
    }

    fn read_cell(&mut self, bytes: &mut Cursor, moved: &mut impl FnMut(u8)) -> Result<(), Wrong> {
        let cell = bytes.short()?;
        if bytes.flag()? {
            self.forget(|place| place.cell == cell);
        }
        for _ in 0..bytes.number()? {
            let place = self.place(bytes.long()?);
            place.held &= place.cell != cell;
        }
        let columns = self.columns.max(1);
        let left = i32::from(cell % columns) * CELL_SIDE;
        let top = i32::from(cell / columns) * CELL_SIDE;
        let mut player = 0_u32;
        for _ in 0..bytes.number()? {
            player = player.wrapping_add(bytes.long()?);
            let bits = bytes.bits()?;
            if bits >> 22 > 2 {
                return Err(Wrong::NoStance);
            }
            let x = left + (bits & 0x3ff) as i32;
            let y = top + (bits >> 10 & 0x3ff) as i32;
            let place = self.place(player);
            if place.mark != 0 && (place.x, place.y) != (x, y) {
                moved(place.mark);
            }
            let mark = place.mark;
            *place = Place {
                x,
                y,
                cell,
                held: true,
                mark,
            };
        }
        Ok(())
    }

    #[inline]
    fn place(&mut self, player: u32) -> &mut Place {
        let number = player / PAGE as u32;
        if self.pages.get(self.at_hand).is_none_or(|(page, _)| *page != number) {
            self.at_hand = match self.pages.binary_search_by_key(&number, |(page, _)| *page) {
                Ok(index) => index,
                Err(index) => {
                    self.pages.insert(index, (number, Box::new([Place::default(); PAGE])));
                    index
                }
            };
        }
        &mut self.pages[self.at_hand].1[player as usize % PAGE]
    }

    fn forget(&mut self, which: impl Fn(&Place) -> bool) {
        for place in self.pages.iter_mut().flat_map(|(_, places)| places.iter_mut()) {
            place.held &= !which(place);
        }
    }

    /// Everybody in view, with their place in 1/64 tile.
    pub(super) fn held(&self) -> impl Iterator<Item = (u32, (i32, i32))> {
        self.pages.iter().flat_map(|(page, places)| {
            (*page * PAGE as u32..)
                .zip(places.iter())
                .filter(|(_, place)| place.held)
                .map(|(player, place)| (player, (place.x, place.y)))
        })
    }

    /// Takes all marks away and sets these, from 1 on.
    pub(super) fn mark(&mut self, players: impl Iterator<Item = u32>) {
        for place in self.pages.iter_mut().flat_map(|(_, places)| places.iter_mut()) {
            place.mark = 0;
        }
        for (player, mark) in players.zip(1..) {
            self.place(player).mark = mark;
        }
    }
}

fn read_header(bytes: &mut Cursor) -> Result<Header, Wrong> {
    let (tick, epoch) = (bytes.number()?, bytes.number()?);
    bytes.byte()?;
    let (ack, x, y) = (bytes.long()?, bytes.signed()?, bytes.signed()?);
    // Carry, facing, whether walking.
    bytes.take(4)?;
    Ok(Header { tick, epoch, ack, x, y })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::codec::encode;
    use crate::net::protocol::frame::{AvatarS2c, CardS2c, CellS2c, EntryS2c, FrameS2c, HeaderS2c, RosterS2c};
    use crate::net::protocol::movement::OwnStateS2c;

    fn frame(tick: u64, cells: Vec<CellS2c>) -> FrameS2c {
        FrameS2c {
            header: HeaderS2c {
                tick,
                epoch: 2,
                step: 0,
                ack: 300,
                own: OwnStateS2c {
                    x: 1_312,
                    y: -7,
                    carry_x: 6,
                    carry_y: -19,
                    facing: 3,
                    walking: true,
                },
            },
            roster: RosterS2c::default(),
            cells,
            dropped: vec![],
        }
    }

    fn cell(index: u16, full: bool, left: &[u32], entries: &[(u32, [u8; 3])]) -> CellS2c {
        CellS2c {
            index,
            full,
            left: left.to_vec(),
            entries: entries.iter().map(|&(gap, bits)| EntryS2c { gap, bits }).collect(),
        }
    }

    fn apply(view: &mut View, frame: &FrameS2c) -> (Result<Header, Wrong>, Vec<u8>) {
        let mut moved = Vec::new();
        let header = view.apply(&encode(frame), |mark| moved.push(mark));
        (header, moved)
    }

    fn show(view: &mut View, frame: &FrameS2c) {
        assert!(apply(view, frame).0.is_ok());
    }

    fn players(view: &View) -> Vec<u32> {
        view.held().map(|(player, _)| player).collect()
    }

    #[test]
    fn entries_are_kept_and_marked_ones_told_when_their_place_changes() {
        let mut view = View::new(60);
        let (header, _) = apply(
            &mut view,
            &frame(1, vec![cell(5, true, &[], &[(3, [1, 4, 0]), (900, [0; 3])])]),
        );
        let expected = Header {
            tick: 1,
            epoch: 2,
            ack: 300,
            x: 1_312,
            y: -7,
        };
        assert_eq!(header, Ok(expected));
        // Cell 5 of a map four cells wide: second column, second row.
        assert_eq!(
            view.held().collect::<Vec<_>>(),
            [(3, (1_025, 1_025)), (903, (1_024, 1_024))]
        );
        view.mark([903, 3].into_iter());
        let again = frame(2, vec![cell(5, false, &[], &[(3, [1, 4, 0]), (900, [9, 0, 0])])]);
        assert_eq!(apply(&mut view, &again).1, [1]);
    }

    #[test]
    fn players_are_forgotten_as_the_protocol_tells() {
        let mut view = View::new(60);
        let three = [(1, [0; 3]), (1, [0; 3]), (1, [0; 3])];
        show(&mut view, &frame(1, vec![cell(0, true, &[], &three)]));
        // Player 2 has gone to cell 1, which is told first; leaving cell 0 does not end it there.
        show(
            &mut view,
            &frame(
                2,
                vec![cell(1, false, &[], &[(2, [0; 3])]), cell(0, false, &[2, 3], &[])],
            ),
        );
        assert_eq!(players(&view), [1, 2]);
        let mut dropping = frame(3, vec![]);
        dropping.dropped = vec![0];
        show(&mut view, &dropping);
        assert_eq!(players(&view), [2]);
        let mut going = frame(4, vec![cell(1, false, &[], &[(2, [5; 3])])]);
        going.roster.gone = vec![2];
        show(&mut view, &going);
        assert!(players(&view).is_empty());
    }

    #[test]
    fn a_full_roster_and_a_full_cell_forget_everybody_else() {
        let mut view = View::new(60);
        let three = [(1, [0; 3]), (1, [0; 3]), (1, [0; 3])];
        show(&mut view, &frame(1, vec![cell(0, true, &[], &three)]));
        let mut full = frame(2, vec![]);
        full.roster.full = true;
        full.roster.came = [3, 1]
            .map(|player| CardS2c {
                player,
                user: "u".into(),
                name: "Ada".into(),
                avatar: (player == 1).then(|| AvatarS2c {
                    id: "a".into(),
                    image_url: "/a.svg".into(),
                }),
                status: 0,
                media: 0,
            })
            .to_vec();
        show(&mut view, &full);
        assert_eq!(players(&view), [1, 3]);
        show(&mut view, &frame(3, vec![cell(0, true, &[], &[(3, [0; 3])])]));
        assert_eq!(players(&view), [3]);
    }

    #[test]
    fn frames_that_must_not_be_are_noticed() {
        let mut view = View::new(60);
        assert!(apply(&mut view, &frame(5, vec![])).0.is_ok());
        assert_eq!(apply(&mut view, &frame(5, vec![])).0, Err(Wrong::TimeGoesBack));
        let nobody = frame(6, vec![cell(0, false, &[], &[(1, [0, 0, 0xc0])])]);
        assert_eq!(apply(&mut view, &nobody).0, Err(Wrong::NoStance));
        let bytes = encode(&frame(7, vec![cell(0, false, &[1], &[(1, [0; 3])])]));
        for length in 0..bytes.len() {
            let mut view = View::new(60);
            assert_eq!(view.apply(&bytes[..length], |_| {}), Err(Wrong::Malformed), "{length}");
        }
    }
}
