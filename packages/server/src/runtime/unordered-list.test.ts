import { expect, test } from "vitest";
import { UnorderedList, type Listed } from "./unordered-list.ts";

class Member implements Listed {
  listIndex = -1;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

function listOf(...names: readonly string[]) {
  const list = new UnorderedList<Member>();
  const members = names.map((name) => new Member(name));
  for (const member of members) list.add(member);
  return { list, members, names: () => Array.from(list, ({ name }) => name).toSorted() };
}

test.each([
  ["the first", 0, ["b", "c"]],
  ["one in the middle", 1, ["a", "c"]],
  ["the last", 2, ["a", "b"]],
])("a list without %s has the others", (_name, at, left) => {
  const { list, members, names } = listOf("a", "b", "c");
  const removed = members[at];
  if (removed === undefined) throw new Error("no such member");
  list.delete(removed);
  list.delete(removed);
  expect(names()).toEqual(left);
  list.add(removed);
  expect(names()).toEqual(["a", "b", "c"]);
});

test("members that are removed one by one, in any order, leave an empty list", () => {
  const { list, members, names } = listOf("a", "b", "c", "d", "e");
  for (const at of [1, 4, 0, 3, 2]) {
    const member = members[at];
    if (member !== undefined) list.delete(member);
    expect(member?.listIndex).toBe(-1);
  }
  expect(names()).toEqual([]);
});

test("a member that is removed or added while the list is read changes nothing about what is read", () => {
  const { list, members } = listOf("a", "b", "c");
  const read: string[] = [];
  for (const { name } of list) {
    read.push(name);
    if (name === "a") {
      for (const member of members) list.delete(member);
      list.add(new Member("d"));
    }
  }
  expect(read).toEqual(["a", "b", "c"]);
});
