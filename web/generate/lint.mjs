/** Lint: whether docs/openapi.json is a document that tools can read, by the rules of Redocly. */

import { createConfig, lint } from "@redocly/openapi-core";

/**
 * The interface has both `/space/element/{id}` and `/space/{id}/map`. That is unambiguous, because
 * no id is the word `element`.
 */
const rules = { "no-ambiguous-paths": "off" };

const config = await createConfig({ extends: ["recommended"], rules });
const problems = await lint({ ref: "../../docs/openapi.json", config });
for (const { severity, ruleId, message, location } of problems) {
  console.error(`${severity}: ${ruleId}: ${message} (${location[0]?.pointer ?? "document"})`);
}
process.exit(problems.length > 0 ? 1 : 0);
