/** Says a time in milliseconds for people, rounded to whole seconds: `1 h 2 min 3 s`. */
export function timeLeft(ms) {
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = Math.round((ms % 60_000) / 1000);
  const parts = [
    [hours, 'h'],
    [minutes, 'min'],
    [seconds, 's'],
  ];
  const told = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return told.length > 0 ? told.join(' ') : '0 s';
}
