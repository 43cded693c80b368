//! Balance: which space a thread or process hands over to another, when that pays off.

/// Least difference in load to the least busy thread at which a space is handed over, in
/// nanoseconds per second.
const WORTH_MOVING: u64 = 50_000_000;

/// Space to hand over, and the thread that receives it: the most expensive space that leaves the
/// receiver with less load than the sender had. `loads` and `costs` are nanoseconds per second.
pub fn choose<Id: Copy>(
    loads: &[u64],
    own: usize,
    costs: impl Iterator<Item = (Id, u64)>,
) -> Option<(Id, usize)> {
    let (other, least) = loads.iter().enumerate().min_by_key(|(_, load)| **load)?;
    let surplus = loads
        .get(own)?
        .checked_sub(*least)
        .filter(|surplus| *surplus > WORTH_MOVING)?;
    // At most half of the difference, so that the same space never returns for the same reason.
    costs
        .filter(|(_, cost)| *cost > 0 && *cost <= surplus / 2)
        .max_by_key(|(_, cost)| *cost)
        .map(|(id, _)| (id, other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MILLI: u64 = 1_000_000;

    #[test]
    fn the_most_expensive_that_evens_out_is_handed_over() {
        let costs = [('a', 300 * MILLI), ('b', 90 * MILLI), ('c', 10 * MILLI)];
        let choice = choose(&[400 * MILLI, 100 * MILLI], 0, costs.into_iter());
        assert_eq!(choice, Some(('b', 1)));
    }

    #[test]
    fn a_single_large_space_stays_where_it_is() {
        assert_eq!(
            choose(&[400 * MILLI, 0], 0, [('a', 400 * MILLI)].into_iter()),
            None
        );
    }

    #[test]
    fn small_differences_are_left_alone() {
        let costs = [('a', 10 * MILLI)];
        assert_eq!(
            choose(&[140 * MILLI, 100 * MILLI], 0, costs.into_iter()),
            None
        );
    }

    proptest! {
        #[test]
        fn moving_ends(costs in prop::collection::vec(1..400_u64, 1..40), threads in 2..6_usize) {
            let mut homes = vec![0; costs.len()];
            let mut moves = 0;
            loop {
                let loads: Vec<u64> = (0..threads)
                    .map(|thread| {
                        let own = costs.iter().zip(&homes).filter(|(_, home)| **home == thread);
                        own.map(|(cost, _)| cost * MILLI).sum()
                    })
                    .collect();
                let choice = (0..threads).find_map(|own| {
                    let here = costs.iter().enumerate().filter(|(id, _)| homes[*id] == own);
                    choose(&loads, own, here.map(|(id, cost)| (id, cost * MILLI)))
                });
                let Some((id, to)) = choice else { break };
                homes[id] = to;
                moves += 1;
                prop_assert!(moves < 10 * costs.len(), "spaces flap");
            }
        }
    }
}
