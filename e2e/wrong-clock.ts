// Loaded before a service (node --import): the wall clock of its process is minutes wrong, each role's otherwise, and
// is set a quarter of an hour back at SIGUSR2.

const minuteMs = 60_000
const wrongMinutes: Readonly<Record<string, number>> = { 'timer-core': 7, 'timer-api': -4, 'ws-gateway': 2 }

const role = Object.keys(wrongMinutes).find((name) => process.env.NODE_NAME?.startsWith(name)) ?? ''
let wrongByMs = (wrongMinutes[role] ?? -9) * minuteMs
const rightNow = Date.now.bind(Date)
Date.now = () => rightNow() + wrongByMs
process.on('SIGUSR2', () => {
  wrongByMs -= 15 * minuteMs
})
