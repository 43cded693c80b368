//! View: what one binary client has been shown, built from its frames. `docs/replication.md` says
//! how.
//!
//! Header and roster are decoded with `net::codec`, cells in place. Positions are stored in pages
//! of 256 by player number. The entries of a cell are sorted, so the next entry is usually on the
//! same page.

use super::cursor::ByteReader;
use super::decode_error::ViewError;
use crate::net::codec::decode_front;
use crate::net::protocol::frame::{CELL_SIDE, CELL_TILES, HeaderS2c, OwnS2c, RosterS2c};

/// Low bits of a player number that count inside one page, and the players on it.
const PAGE_BITS: u32 = u8::BITS;
const PAGE: usize = 1 << PAGE_BITS;

/// Cell of players who are not in view.
const NOWHERE: u16 = u16::MAX;

/// Position of a player, as one client knows it. Eight bytes, since thousands of clients know
/// thousands of players.
#[derive(Debug, Clone, Copy)]
struct PackedPosition {
    cell: u16,
    /// Offset from the cell's corner.
    x: i16,
    y: i16,
    /// The client's own mark on this player; 0 for none.
    mark: u8,
}

impl PackedPosition {
    const UNKNOWN: Self = Self {
        cell: NOWHERE,
        x: 0,
        y: 0,
        mark: 0,
    };

    const fn is_held(self) -> bool {
        self.cell != NOWHERE
    }

    #[inline]
    fn put(&mut self, cell: u16, (x, y): (i16, i16), moved: &mut impl FnMut(u8)) {
        if self.mark != 0 && (self.cell, self.x, self.y) != (cell, x, y) {
            moved(self.mark);
        }
        (self.cell, self.x, self.y) = (cell, x, y);
    }

    fn forget_if(&mut self, is_so: bool) {
        if is_so {
            self.cell = NOWHERE;
        }
    }
}

/// The part of a frame that belongs to one client alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) tick: u64,
    pub(super) epoch: u64,
    /// The last applied own input and the position it led to, when there is news.
    pub(super) own: Option<Own>,
}

/// State of a client's own player.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) ack: u32,
    pub(super) x: i32,
    pub(super) y: i32,
}

/// Players in view.
pub(super) struct BotView {
    columns: u16,
    pages: Vec<(u32, Box<[PackedPosition; PAGE]>)>,
    at_hand: usize,
    last: (u64, u64),
}

impl BotView {
    pub(super) const fn new(width: u16) -> Self {
        Self {
            columns: width.div_ceil(CELL_TILES),
            pages: Vec::new(),
            at_hand: 0,
            last: (0, 0),
        }
    }

    /// Reads the header of a frame, which follows the variant number; returns the bytes that are
    /// left to apply, in the same order.
    pub(super) fn open<'a>(
        &mut self,
        frame: &'a [u8],
    ) -> Result<(FrameHeader, &'a [u8]), ViewError> {
        let (header, people) =
            decode_front::<HeaderS2c>(frame).map_err(|_| ViewError::Malformed)?;
        let now = (header.epoch, header.tick);
        if now <= self.last {
            return Err(ViewError::TimeGoesBack);
        }
        self.last = now;
        let header = FrameHeader {
            tick: header.tick,
            epoch: header.epoch,
            own: header.own.map(Own::from),
        };
        Ok((header, people))
    }

    /// Applies the part of a frame behind its header; calls `moved` with the mark of every marked
    /// player whose position changed.
    pub(super) fn apply(
        &mut self,
        people: &[u8],
        mut moved: impl FnMut(u8),
    ) -> Result<(), ViewError> {
        let (roster, cells) =
            decode_front::<Option<RosterS2c>>(people).map_err(|_| ViewError::Malformed)?;
        let roster = roster.unwrap_or_default();
        if roster.full {
            self.forget_others(&roster);
        }
        let mut bytes = ByteReader(cells);
        for _ in 0..bytes.number()? {
            self.read_cell(&mut bytes, &mut moved)?;
        }
        for _ in 0..bytes.number()? {
            let dropped = bytes.short()?;
            self.forget(dropped);
        }
        bytes.end()?;
        // The list of players who left precedes the cells, but is applied after them.
        for player in roster.gone {
            self.place(player).cell = NOWHERE;
        }
        Ok(())
    }

    /// Forgets all players who are not in a full roster.
    fn forget_others(&mut self, roster: &RosterS2c) {
        let mut came: Vec<u32> = roster.came.iter().map(|card| card.player).collect();
        came.sort_unstable();
        for (page, places) in &mut self.pages {
            for (player, place) in (*page << PAGE_BITS..).zip(places.iter_mut()) {
                place.forget_if(came.binary_search(&player).is_err());
            }
        }
    }

    fn read_cell(
        &mut self,
        bytes: &mut ByteReader,
        moved: &mut impl FnMut(u8),
    ) -> Result<(), ViewError> {
        let cell = bytes.short()?;
        let [is_full, has_left, has_entries, has_steps] = bytes.flags()?;
        if is_full {
            self.forget(cell);
        }
        for _ in 0..bytes.count_if(has_left)? {
            let place = self.place(bytes.long()?);
            place.forget_if(place.cell == cell);
        }
        let mut player = 0_u32;
        for _ in 0..bytes.count_if(has_entries)? {
            player = player.wrapping_add(bytes.long()?);
            let bits = bytes.bits()?;
            if bits >> 22 > 2 {
                return Err(ViewError::NoStance);
            }
            let along = |bits: u32| {
                let [low, high, ..] = (bits & 0x3ff).to_le_bytes();
                i16::from_le_bytes([low, high])
            };
            let at = (along(bits), along(bits >> 10));
            self.place(player).put(cell, at, moved);
        }
        let mut player = 0_u32;
        for _ in 0..bytes.count_if(has_steps)? {
            let bits = bytes.bits()?;
            let gap = match bits >> 20 {
                15 => bytes.long()?.wrapping_add(15),
                gap => gap,
            };
            player = player.wrapping_add(gap);
            if bits >> 18 & 3 > 2 {
                return Err(ViewError::NoStance);
            }
            let place = self.place(player);
            if place.cell != cell {
                return Err(ViewError::NoPlace);
            }
            // The position with these low bits that is nearest to the previous one.
            let on = |from: i16, bits: u32| {
                let ([low, ..], [known, _]) = (bits.to_le_bytes(), from.to_le_bytes());
                from.wrapping_add(low.wrapping_sub(known).cast_signed().into())
            };
            place.put(cell, (on(place.x, bits), on(place.y, bits >> 8)), moved);
        }
        Ok(())
    }

    #[inline]
    fn place(&mut self, player: u32) -> &mut PackedPosition {
        let number = player >> PAGE_BITS;
        let [inside, ..] = player.to_le_bytes();
        if self
            .pages
            .get(self.at_hand)
            .is_none_or(|(page, _)| *page != number)
        {
            self.at_hand = match self.pages.binary_search_by_key(&number, |(page, _)| *page) {
                Ok(index) => index,
                Err(index) => {
                    self.pages
                        .insert(index, (number, Box::new([PackedPosition::UNKNOWN; PAGE])));
                    index
                }
            };
        }
        &mut self.pages[self.at_hand].1[usize::from(inside)]
    }

    fn forget(&mut self, cell: u16) {
        for place in self
            .pages
            .iter_mut()
            .flat_map(|(_, places)| places.iter_mut())
        {
            place.forget_if(place.cell == cell);
        }
    }

    /// Every player in view, with the position in 1/64 tile.
    pub(super) fn held(&self) -> impl Iterator<Item = (u32, (i32, i32))> {
        let columns = self.columns.max(1);
        let at = move |place: &PackedPosition| {
            let left = i32::from(place.cell % columns) * CELL_SIDE;
            let top = i32::from(place.cell / columns) * CELL_SIDE;
            (left + i32::from(place.x), top + i32::from(place.y))
        };
        self.pages.iter().flat_map(move |(page, places)| {
            (*page << PAGE_BITS..)
                .zip(places.iter())
                .filter(|(_, place)| place.is_held())
                .map(move |(player, place)| (player, at(place)))
        })
    }

    /// Removes all marks and marks these players, from 1 on.
    pub(super) fn mark(&mut self, players: impl Iterator<Item = u32>) {
        for place in self
            .pages
            .iter_mut()
            .flat_map(|(_, places)| places.iter_mut())
        {
            place.mark = 0;
        }
        for (player, mark) in players.zip(1..) {
            self.place(player).mark = mark;
        }
    }
}

impl From<OwnS2c> for Own {
    fn from(own: OwnS2c) -> Self {
        Self {
            ack: own.ack,
            x: own.state.x,
            y: own.state.y,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::codec::encode;
    use crate::net::protocol::frame::{AvatarS2c, CardS2c, CellS2c, EntryS2c, FrameS2c, StepS2c};
    use crate::net::protocol::movement::OWN;

    fn frame(tick: u64, cells: Vec<CellS2c>) -> FrameS2c {
        FrameS2c {
            header: HeaderS2c {
                tick,
                epoch: 2,
                step: 0,
                own: Some(OwnS2c {
                    ack: 300,
                    state: OWN,
                }),
            },
            roster: Some(RosterS2c::default()),
            cells,
            dropped: vec![],
        }
    }

    fn cell(index: u16, full: bool, left: &[u32], entries: &[(u32, [u8; 3])]) -> CellS2c {
        CellS2c {
            index,
            full,
            left: left.to_vec(),
            entries: entries
                .iter()
                .map(|&(gap, bits)| EntryS2c { gap, bits })
                .collect(),
            steps: Vec::new(),
        }
    }

    fn steps(index: u16, steps: &[(u32, [u8; 3])]) -> CellS2c {
        CellS2c {
            steps: steps
                .iter()
                .map(|&(gap, bits)| StepS2c::of(gap, bits))
                .collect(),
            ..cell(index, false, &[], &[])
        }
    }

    fn apply(view: &mut BotView, frame: &FrameS2c) -> (Result<FrameHeader, ViewError>, Vec<u8>) {
        let mut moved = Vec::new();
        let header = take(view, &encode(frame), |mark| moved.push(mark));
        (header, moved)
    }

    fn take(
        view: &mut BotView,
        frame: &[u8],
        moved: impl FnMut(u8),
    ) -> Result<FrameHeader, ViewError> {
        let (header, people) = view.open(frame)?;
        view.apply(people, moved).map(|()| header)
    }

    fn show(view: &mut BotView, frame: &FrameS2c) {
        assert!(apply(view, frame).0.is_ok());
    }

    fn players(view: &BotView) -> Vec<u32> {
        view.held().map(|(player, _)| player).collect()
    }

    #[test]
    fn marked_players_are_reported_when_they_move() {
        let mut view = BotView::new(60);
        let (header, _) = apply(
            &mut view,
            &frame(
                1,
                vec![cell(5, true, &[], &[(3, [1, 4, 0]), (900, [0; 3])])],
            ),
        );
        let expected = FrameHeader {
            tick: 1,
            epoch: 2,
            own: Some(Own {
                ack: 300,
                x: 1_312,
                y: -7,
            }),
        };
        assert_eq!(header, Ok(expected));
        // Cell 5 of a map four cells wide: second column, second row.
        assert_eq!(
            view.held().collect::<Vec<_>>(),
            [(3, (1_025, 1_025)), (903, (1_024, 1_024))]
        );
        view.mark([903, 3].into_iter());
        let again = frame(
            2,
            vec![cell(5, false, &[], &[(3, [1, 4, 0]), (900, [9, 0, 0])])],
        );
        assert_eq!(apply(&mut view, &again).1, [1]);
        let on = frame(3, vec![steps(5, &[(3, [7, 8, 0]), (900, [9, 0x10, 0])])]);
        assert_eq!(apply(&mut view, &on).1, [2, 1]);
        assert_eq!(
            view.held().collect::<Vec<_>>(),
            [(3, (1_031, 1_026)), (903, (1_033, 1_028))]
        );
    }

    #[test]
    fn players_are_removed_as_the_protocol_says() {
        let mut view = BotView::new(60);
        let three = [(1, [0; 3]), (1, [0; 3]), (1, [0; 3])];
        show(&mut view, &frame(1, vec![cell(0, true, &[], &three)]));
        // Player 2 moved to cell 1, which comes first; leaving cell 0 must not remove it.
        show(
            &mut view,
            &frame(
                2,
                vec![
                    cell(1, false, &[], &[(2, [0; 3])]),
                    cell(0, false, &[2, 3], &[]),
                ],
            ),
        );
        assert_eq!(players(&view), [1, 2]);
        let mut dropping = frame(3, vec![]);
        dropping.dropped = vec![0];
        show(&mut view, &dropping);
        assert_eq!(players(&view), [2]);
        let mut going = frame(4, vec![cell(1, false, &[], &[(2, [5; 3])])]);
        going.roster = Some(RosterS2c {
            gone: vec![2],
            ..RosterS2c::default()
        });
        show(&mut view, &going);
        assert!(players(&view).is_empty());
    }

    #[test]
    fn a_full_roster_and_a_full_cell_remove_all_others() {
        let mut view = BotView::new(60);
        let three = [(1, [0; 3]), (1, [0; 3]), (1, [0; 3])];
        show(&mut view, &frame(1, vec![cell(0, true, &[], &three)]));
        let mut full = frame(2, vec![]);
        let came = [3, 1]
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
        full.roster = Some(RosterS2c {
            full: true,
            came,
            gone: vec![],
        });
        show(&mut view, &full);
        assert_eq!(players(&view), [1, 3]);
        show(
            &mut view,
            &frame(3, vec![cell(0, true, &[], &[(3, [0; 3])])]),
        );
        assert_eq!(players(&view), [3]);
    }

    #[test]
    fn invalid_frames_are_errors() {
        let mut view = BotView::new(60);
        assert!(apply(&mut view, &frame(5, vec![])).0.is_ok());
        assert_eq!(
            apply(&mut view, &frame(5, vec![])).0,
            Err(ViewError::TimeGoesBack)
        );
        let invalid = frame(6, vec![cell(0, false, &[], &[(1, [0, 0, 0xc0])])]);
        assert_eq!(apply(&mut view, &invalid).0, Err(ViewError::NoStance));
        let stranger = frame(7, vec![steps(0, &[(1, [0; 3])])]);
        assert_eq!(apply(&mut view, &stranger).0, Err(ViewError::NoPlace));
        let entry = cell(0, false, &[1], &[(900, [0; 3])]);
        let bytes = encode(&frame(
            8,
            vec![CellS2c {
                steps: steps(0, &[(900, [1; 3])]).steps,
                ..entry
            }],
        ));
        for length in 0..bytes.len() {
            let mut view = BotView::new(60);
            assert_eq!(
                take(&mut view, &bytes[..length], |_| {}),
                Err(ViewError::Malformed),
                "{length}"
            );
        }
    }
}
