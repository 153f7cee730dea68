
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const stage = find("stage"), canvas = find("map"), pen = canvas.getContext("2d");
  const tip = find("tip"), player = find("player");
  const n = data.ids.length, names = Object.keys(data.planes);
  const REACH = 14;  // pixels from a point at which the mouse finds it
  const shapes = {
    circle: null,
    square: [[-.85, -.85], [.85, -.85], [.85, .85], [-.85, .85]],
    triangle: [[0, -1.1], [1, .8], [-1, .8]],
    down: [[0, 1.1], [1, -.8], [-1, -.8]],
    diamond: [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]],
    plus: [[-.4, -1.1], [.4, -1.1], [.4, -.4], [1.1, -.4], [1.1, .4], [.4, .4], [.4, 1.1], [-.4, 1.1], [-.4, .4],
      [-1.1, .4], [-1.1, -.4], [-.4, -.4]],
    cross: [[0, -.45], [.65, -1.1], [1.1, -.65], [.45, 0], [1.1, .65], [.65, 1.1], [0, .45], [-.65, 1.1], [-1.1, .65],
      [-.45, 0], [-1.1, -.65], [-.65, -1.1]],
    star: Array.from({ length: 10 }, (_, i) => {
      const angle = i * Math.PI / 5 - Math.PI / 2, radius = i % 2 ? .5 : 1.3;
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    }),
  };

  let plane, middle, fit;  // of the plane: its points, and what brings all of them onto the canvas
  let width = 1, height = 1, zoom = 1, moved = [0, 0];
  let pointed = -1, playing = -1;
  let begin = null;  // seconds into the file that the player loads at which its point begins
  const chosen = new Set();  // groups to show; none: all

  const shown = (i) => !chosen.size || chosen.has(data.group[i]);
  const place = (i) => [
    width / 2 + moved[0] + zoom * fit * (plane.x[i] - middle[0]),
    height / 2 + moved[1] - zoom * fit * (plane.y[i] - middle[1]),
  ];
  const radius = () => Math.min(9, Math.max(3, 60 / Math.sqrt(n)) * Math.sqrt(Math.sqrt(zoom)));

  function choosePlane(name) {
    plane = data.planes[name];
    const ends = (values) => values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
    plane.ends = [ends(plane.x), ends(plane.y)];
    middle = plane.ends.map(([a, b]) => (a + b) / 2);
    for (const button of find("planes").children) button.ariaPressed = String(button.textContent === name);
    wholeMap();
  }

  function wholeMap() {
    zoom = 1;
    moved = [0, 0];
    point(-1);
    draw();
  }

  function mark(pen, x, y, size, shape, colour) {
    pen.beginPath();
    if (shapes[shape]) shapes[shape].forEach(([u, v]) => pen.lineTo(x + size * u, y + size * v));
    else pen.arc(x, y, size, 0, 2 * Math.PI);
    pen.closePath();
    pen.fillStyle = colour;
    pen.fill();
    pen.lineWidth = 0.7;
    pen.strokeStyle = "#fff";
    pen.stroke();
  }

  function drawPoint(i, size) {
    const look = data.groups[data.group[i]] || { mark: "circle" };
    mark(pen, ...place(i), size, look.mark, data.colours ? data.colours[i] : look.colour);
  }

  function ring(i, lineWidth) {
    pen.beginPath();
    pen.arc(...place(i), radius() + 5, 0, 2 * Math.PI);
    pen.lineWidth = lineWidth;
    pen.strokeStyle = "#222";
    pen.stroke();
  }

  function draw() {
    const density = window.devicePixelRatio || 1;
    [width, height] = [stage.clientWidth, stage.clientHeight];
    [canvas.width, canvas.height] = [width * density, height * density];
    pen.setTransform(density, 0, 0, density, 0, 0);
    const [across, up] = plane.ends.map(([a, b]) => b - a);
    fit = Math.min(across ? (width - 80) / across : Infinity, up ? (height - 90) / up : Infinity);
    if (!Number.isFinite(fit)) fit = 1;
    pen.clearRect(0, 0, width, height);
    pen.globalAlpha = 0.12;
    for (let i = 0; i < n; i++) if (!shown(i)) drawPoint(i, radius());
    pen.globalAlpha = 0.9;
    for (let i = 0; i < n; i++) if (shown(i)) drawPoint(i, radius());
    pen.globalAlpha = 1;
    if (playing >= 0) ring(playing, 3);
    if (pointed >= 0) ring(pointed, 1.5);
    pen.fillStyle = "#555";
    pen.font = "13px system-ui, sans-serif";
    pen.fillText(plane.axes[0] + " →", 12, height - 10);
    pen.save();
    pen.translate(16, height - 34);
    pen.rotate(-Math.PI / 2);
    pen.fillText(plane.axes[1] + " →", 0, 0);
    pen.restore();
  }

  function point(i) {
    pointed = i;
    tip.hidden = i < 0;
    if (i < 0) return;
    find("tip-id").textContent = data.ids[i];
    find("tip-label").textContent = data.label ? data.label + ": " + (data.labels[i] || "(none)") : "";
    find("tip-path").textContent = data.paths[i] + (data.sound[i] === null ? " (no sound: not found)" : "");
    const [x, y] = place(i);
    const right = x + 16 + tip.offsetWidth < width, below = y + 16 + tip.offsetHeight < height;
    tip.style.left = Math.max(0, right ? x + 16 : x - 16 - tip.offsetWidth) + "px";
    tip.style.top = Math.max(0, below ? y + 16 : y - 16 - tip.offsetHeight) + "px";
  }

  function nearest(x, y) {
    let best = -1, least = REACH * REACH;
    for (let i = 0; i < n; i++) {
      if (!shown(i)) continue;
      const [u, v] = place(i), distance = (u - x) ** 2 + (v - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  function next(right, down) {
    if (pointed < 0) return nearestOfAll();
    const [x, y] = place(pointed);
    let best = pointed, least = Infinity;
    for (let i = 0; i < n; i++) {
      const [u, v] = place(i), along = (u - x) * right + (v - y) * down;
      const aside = Math.abs((u - x) * down - (v - y) * right);
      if (i !== pointed && shown(i) && along > 0 && along + 2 * aside < least) [best, least] = [i, along + 2 * aside];
    }
    return best;
  }

  function nearestOfAll() {
    let best = -1, least = Infinity;
    for (let i = 0; i < n; i++) {
      const [u, v] = place(i), distance = Math.hypot(u - width / 2, v - height / 2);
      if (shown(i) && distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  function say(text) {
    const said = find("said");
    said.textContent = said.title = text;  // the title has the whole of what the footer cuts short
  }

  function play(i) {
    if (i < 0) return;
    if (i === playing && !player.paused) { player.pause(); return; }
    playing = i;
    draw();
    if (data.sound[i] === null) {
      player.pause();
      say("No sound for " + data.ids[i] + ": " + data.paths[i] + " was not found when this page was made.");
      return;
    }
    begin = data.starts[i];
    player.src = data.sounds[data.sound[i]];
    say("Playing " + data.ids[i]);
    player.play().catch((error) => {
      if (error.name !== "AbortError") say("Cannot play " + data.ids[i] + ": " + error.message);
    });
  }

  player.addEventListener("loadedmetadata", () => { if (begin !== null) player.currentTime = begin; });
  player.addEventListener("timeupdate", () => {
    const end = playing < 0 ? null : data.ends[playing];
    if (end !== null && player.currentTime >= end) player.pause();
  });
  player.addEventListener("pause", () => { if (player.paused && find("said").textContent.startsWith("Playing ")) say(""); });

  // Mouse and touch: a press that stays where it was plays, one that moves drags.
  let pressed = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    pressed = { at: at(event), moved: [...moved], dragged: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = at(event);
    if (pressed) {
      const [right, down] = [x - pressed.at[0], y - pressed.at[1]];
      pressed.dragged = pressed.dragged || Math.hypot(right, down) > 4;
      if (pressed.dragged) moved = [pressed.moved[0] + right, pressed.moved[1] + down];
    }
    point(pressed && pressed.dragged ? -1 : nearest(x, y));
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    const still = pressed && !pressed.dragged;
    pressed = null;
    if (!still) return;
    point(nearest(...at(event)));
    play(pointed);
    draw();
  });
  canvas.addEventListener("pointercancel", () => { pressed = null; });
  canvas.addEventListener("pointerleave", () => { point(-1); draw(); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x, y] = at(event), factor = Math.min(200 / zoom, Math.max(0.5 / zoom, Math.exp(-event.deltaY / 400)));
    moved = [x - width / 2 - factor * (x - width / 2 - moved[0]), y - height / 2 - factor * (y - height / 2 - moved[1])];
    zoom *= factor;
    point(-1);
    draw();
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (step) {
      point(next(...step));
      if (pointed >= 0) say(data.ids[pointed] + (data.labels[pointed] ? ", " + data.labels[pointed] : ""));
    } else if (event.key === "Enter" || event.key === " ") play(pointed);
    else return;
    event.preventDefault();
    draw();
  });

  function legend() {
    const aside = find("legend"), heading = document.createElement("h2");
    heading.textContent = data.label;
    aside.append(heading);
    if (data.scale) {
      const bar = document.createElement("div"), ends = document.createElement("div");
      bar.className = "scale";
      ends.className = "ends";
      for (const colour of data.scale.steps) {
        bar.append(document.createElement("i"));
        bar.lastChild.style.background = colour;
      }
      for (const end of [data.scale.low, data.scale.high]) {
        ends.append(document.createElement("span"));
        ends.lastChild.textContent = end;
      }
      aside.append(bar, ends);
    }
    data.groups.forEach((look, number) => {
      const button = document.createElement("button"), sample = document.createElement("canvas");
      const name = document.createElement("span"), count = document.createElement("small");
      button.type = "button";
      button.ariaPressed = "false";
      [sample.width, sample.height] = [40, 40];
      mark(sample.getContext("2d"), 20, 20, 12, look.mark, look.colour);
      name.textContent = look.name;
      count.textContent = look.n;
      button.append(sample, name, count);
      button.addEventListener("click", () => {
        if (!chosen.delete(number)) chosen.add(number);
        button.ariaPressed = String(chosen.has(number));
        point(-1);
        draw();
      });
      aside.append(button);
    });
    aside.hidden = !data.label;
  }

  find("title").textContent = data.title;
  find("source").textContent = data.source;
  for (const name of names) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => choosePlane(name));
    find("planes").append(button);
  }
  find("reset").addEventListener("click", wholeMap);
  find("said").title = find("said").textContent;
  legend();
  choosePlane(names[0]);
  new ResizeObserver(() => { draw(); point(pointed); }).observe(stage);
})();
