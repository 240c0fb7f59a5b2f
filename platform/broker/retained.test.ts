import { expect, it } from "vitest";
import { matches, Retained } from "./retained.ts";

// Rows of MQTT 3.1.1, sections 4.7.1.2 and 4.7.1.3.
it.each([
  ["sport/tennis/player1/#", "sport/tennis/player1", true],
  ["sport/tennis/player1/#", "sport/tennis/player1/ranking", true],
  ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true],
  ["sport/#", "sport", true],
  ["#", "sport/tennis", true],
  ["sport/tennis/+", "sport/tennis/player1", true],
  ["sport/tennis/+", "sport/tennis/player1/ranking", false],
  ["sport/+", "sport", false],
  ["sport/+", "sport/", true],
  ["+/+", "/finance", true],
  ["/+", "/finance", true],
  ["+", "/finance", false],
  ["sport/tennis", "sport/tennis/player1", false],
])("%s matches %s: %s", (filter, topic, yes) => {
  expect(matches(filter, topic)).toBe(yes);
});

it("forgets a topic that is published empty", () => {
  const retained = new Retained();
  retained.set("a", Buffer.from("1"));
  retained.set("b", Buffer.from("2"));
  retained.set("a", Buffer.alloc(0));
  expect([...retained.matching(["#"])].map(({ topic }) => topic)).toEqual(["b"]);
});
