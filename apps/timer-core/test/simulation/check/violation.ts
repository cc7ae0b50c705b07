// What must always hold, by name: a run that goes wrong breaks one of these.

export type Rule =
  | 'acknowledged means in the log'
  | 'linearizable per timer'
  | 'refused means not done'
  | 'done once'
  | 'versions follow'
  | 'fires once'
  | 'never early'
  | 'a due firing comes first'
  | 'judged on what the log says'
  | 'memory is what the log says'
  | 'no holes'
  | 'nothing is cut that is needed'
  | 'heals'
  | 'never crashes'

export interface Violation {
  readonly rule: Rule
  readonly what: string
}

export type Violated = (rule: Rule, what: string) => void
