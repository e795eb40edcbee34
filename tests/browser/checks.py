"""What every widget owes its reader, looked up in the page: each function names the offenders, and there are none."""

# Walks from an element up to the first ground that is not transparent, and mixes in what is half transparent.
LOW_CONTRAST = """(root) => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d');
  const parse = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const ground = (node) => {
    if (!node) return [255, 255, 255, 1];
    const color = parse(getComputedStyle(node).backgroundColor);
    return color[3] === 1 ? color : over(color, ground(node.parentElement));
  };
  const linear = (value) => value <= 10.3 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const found = [];
  for (const node of root.querySelectorAll('*')) {
    const texts = [...node.childNodes].filter((child) => child.nodeType === 3 && child.data.trim());
    if (!texts.length && node.type !== 'number' && node.tagName !== 'SELECT') continue;
    if (node.tagName === 'OPTION' || !node.getClientRects().length) continue;
    const style = getComputedStyle(node), below = ground(node);
    const shown = over(parse(node instanceof SVGElement ? style.fill : style.color), below);
    const [high, low] = [light(shown), light(below)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)}: ${node.tagName} ${node.textContent.slice(0, 40)}`);
  }
  return found;
}"""

UNNAMED = """(root) => [...root.querySelectorAll('input, select, button, [tabindex]')].filter((node) =>
  !node.getAttribute('aria-label') && !node.labels?.length && !node.textContent.trim()).map((node) => node.outerHTML)"""

OVERFLOWING = """(root) => {
  const edge = root.parentElement.getBoundingClientRect().right + 1;
  const right = (node) => node.getBoundingClientRect().right;
  return [...root.querySelectorAll('*')].filter((node) => right(node) > edge)
    .map((node) => `${node.tagName}.${node.getAttribute('class')} ends at ${right(node)} of ${edge}`);
}"""


def low_contrast(widget):
    return widget.evaluate(LOW_CONTRAST)


def unnamed(widget):
    return widget.evaluate(UNNAMED)


def overflowing(widget):
    return widget.evaluate(OVERFLOWING)


def offences(page, lab, theme, *widths, beyond_the_edge=overflowing):
    """All that is wrong with the widgets of a page in a theme, at these widths; it ends light and wide again."""
    lab.set_theme(page, theme)
    try:
        found = []
        for width in widths:
            page.set_viewport_size({"width": width, "height": 1000})
            for widget in page.locator(".rope").all():
                found += [*low_contrast(widget), *unnamed(widget), *beyond_the_edge(widget)]
        return found
    finally:
        page.set_viewport_size({"width": 1280, "height": 1000})
        lab.set_theme(page, "JupyterLab Light")


def state(page, lab, names):
    """These values of the widget called first, in the kernel, once the browser has told of its last change."""
    # The browser hands a movement of the mouse to the page with the next frame.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    # While the kernel works on one change, the browser keeps the next one back; whoever has had one answer from the
    # kernel knows that the next one was sent, and a second question comes after it.
    lab.value(page, "None")
    return lab.value(page, f"[first.{', first.'.join(names)}]")


def start_again(page, lab, values):
    """Give the widget called first these values, and bring it into sight."""
    state(page, lab, values)
    lab.value(page, f"[first.set_trait(*item) for item in {values}.items()] and None")
    page.locator(".rope").first.scroll_into_view_if_needed()


def number(text):
    """A number as the widgets write it."""
    return float(text.replace("−", "-").replace("\u202f", "").strip())


def layout(page):
    """What a key that JupyterLab took would have changed: its cells, and which of them is active."""
    content = "jupyterapp.shell.currentWidget.content"
    return page.evaluate(f"() => [{content}.widgets.length, {content}.activeCellIndex]")


def center(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
