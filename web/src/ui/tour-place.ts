export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** CSS pixels between the card and its anchor, and between the card and the window's edge. */
const GAP = 14;
const EDGE = 10;
/** As many cards high must be what is free, for one to lie in it. */
const ROOMY = 3;

/** Where a card lies beside its anchor, all in CSS pixels of the window: right, left, above or below, where it fits first. */
export function placeBeside(anchor: Area, card: Area, view: Area): { left: number; top: number } {
  const centred = {
    left: anchor.left + (anchor.width - card.width) / 2,
    top: anchor.top + (anchor.height - card.height) / 2,
  };
  const ways = [
    { left: anchor.left + anchor.width + GAP, top: centred.top },
    { left: anchor.left - card.width - GAP, top: centred.top },
    { left: centred.left, top: anchor.top - card.height - GAP },
    { left: centred.left, top: anchor.top + anchor.height + GAP },
  ];
  const inside = (at: { left: number; top: number }, i: number): boolean =>
    i < 2
      ? at.left >= EDGE && at.left + card.width <= view.width - EDGE
      : at.top >= EDGE && at.top + card.height <= view.height - EDGE;
  return kept(ways.find(inside) ?? centred, card, view);
}

/** At the lower left of what the panels leave free, where it hides least; on a phone, over the panels below that. */
export function placeWithin(free: Area, card: Area, view: Area): { left: number; top: number } {
  const bottom = free.top + free.height;
  const isRoomy = free.height >= ROOMY * card.height;
  return kept({ left: free.left + GAP, top: isRoomy ? bottom - card.height - GAP : bottom }, card, view);
}

function kept(at: { left: number; top: number }, card: Area, view: Area): { left: number; top: number } {
  return {
    left: Math.max(Math.min(at.left, view.width - card.width - EDGE), EDGE),
    top: Math.max(Math.min(at.top, view.height - card.height - EDGE), EDGE),
  };
}
