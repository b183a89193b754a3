/**
 * The requests and answers of Credit Express: POST /score.
 * Made by clients/typescript/generate.py; do not edit.
 */

export interface Fault {
  feature: string;
  wanted: string;
  got: string;
  index?: number | null;
}
export interface ModelName {
  name: string;
  version: string;
  sha256: string;
}
export interface Reason {
  rank: number;
  code: string;
  text: string;
  features: string[];
  contribution: number;
}
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  request_id?: string;
  errors?: Fault[];
  more_errors?: number;
}
export interface Applicant {
  /** seen in training: 10000 to 1e+06 */
  LIMIT_BAL: number;
  SEX: 1 | 2;
  EDUCATION: 0 | 1 | 2 | 3 | 4 | 5 | 6 | null;
  MARRIAGE: 0 | 1 | 2 | 3 | null;
  /** seen in training: 21 to 79 */
  AGE: number;
  /** seen in training: -2 to 8 */
  PAY_0: number;
  /** seen in training: -2 to 7 */
  PAY_2: number;
  /** seen in training: -2 to 8 */
  PAY_3: number;
  /** seen in training: -2 to 8 */
  PAY_4: number;
  /** seen in training: -2 to 8 */
  PAY_5: number;
  /** seen in training: -2 to 8 */
  PAY_6: number;
  /** seen in training: -165580 to 964511 */
  BILL_AMT1: number;
  /** seen in training: -30000 to 983931 */
  BILL_AMT2: number;
  /** seen in training: -157264 to 855086 */
  BILL_AMT3: number;
  /** seen in training: -170000 to 891586 */
  BILL_AMT4: number;
  /** seen in training: -81334 to 927171 */
  BILL_AMT5: number;
  /** seen in training: -150953 to 961664 */
  BILL_AMT6: number;
  /** seen in training: 0 to 873552 */
  PAY_AMT1: number;
  /** seen in training: 0 to 1.21547e+06 */
  PAY_AMT2: number;
  /** seen in training: 0 to 896040 */
  PAY_AMT3: number;
  /** seen in training: 0 to 621000 */
  PAY_AMT4: number;
  /** seen in training: 0 to 417990 */
  PAY_AMT5: number;
  /** seen in training: 0 to 528666 */
  PAY_AMT6: number;
}
export interface Answer {
  request_id: string;
  probability: number;
  decision: "approve" | "refer" | "refuse" | null;
  threshold: number | null;
  policy: string | null;
  model: ModelName;
  warnings?: string[];
  reasons?: ({
    rank: number;
    code: "R01" | "R02" | "R03" | "R04" | "R05" | "R06" | "R07" | "R08" | "R09" | "R10" | "R11" | "M10" | "M11";
    text: string;
    features: string[];
    contribution: number;
  })[];
  contributions?: {
    LIMIT_BAL?: number;
    SEX?: number;
    EDUCATION?: number;
    MARRIAGE?: number;
    AGE?: number;
    PAY_0?: number;
    PAY_2?: number;
    PAY_3?: number;
    PAY_4?: number;
    PAY_5?: number;
    PAY_6?: number;
    BILL_AMT1?: number;
    BILL_AMT2?: number;
    BILL_AMT3?: number;
    BILL_AMT4?: number;
    BILL_AMT5?: number;
    BILL_AMT6?: number;
    PAY_AMT1?: number;
    PAY_AMT2?: number;
    PAY_AMT3?: number;
    PAY_AMT4?: number;
    PAY_AMT5?: number;
    PAY_AMT6?: number;
  };
  expectation?: number;
}
/** An array is a batch, answered in order. */
export type ScoreRequest = Applicant | Applicant[];
/** Problems stand in a batch with ?partial=true alone. */
export type ScoreResponse = Answer | (Answer | Problem)[];
