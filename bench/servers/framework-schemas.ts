/** The content of the validated POST, for the servers that check it by zod. */
import { z } from "zod";

export const Person = z.object({
  name: z.string().min(1).max(100),
  email: z.email(),
  age: z.number().int().min(0),
  tags: z.array(z.string()).max(20),
});
