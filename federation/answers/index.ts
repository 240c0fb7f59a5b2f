/** What the hub tells its gateways, numbered, and sent until it is acknowledged. */
export { addAnswers, ANSWERS_UNDER_WAY_MAX, openAnswerSender, type AnswerSender } from "./answers.ts";
