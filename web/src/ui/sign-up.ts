/** Sign-up: who may sign up here, and what a new password is like. */

import { useEffect, useState } from "preact/hooks";
import { api, type SignUpRules } from "../net/api";

/** Nothing until it is known; when it cannot be asked the server judges what is sent. */
export function useSignUp(): SignUpRules | null {
  const [rules, setRules] = useState<SignUpRules | null>(null);
  useEffect(() => {
    api.signUpRules().then(setRules, () => setRules({ policy: "open", passwordChars: 1 }));
  }, []);
  return rules;
}
