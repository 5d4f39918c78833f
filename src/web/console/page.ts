/** Draws itself into `place`; called again every `seconds`, when it has some, as long as it is looked at. */
export interface Page {
  seconds?: number;
  draw(place: Element): Promise<void>;
}
