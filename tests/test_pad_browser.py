"""The drawing pad in a real Chromium: what it computes, and drawing by mouse, by finger and by keys alone."""

import io
import re

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from PIL import Image, ImageDraw
from torch import nn

import lecturekit as lk
from lecturekit.lessons import digits
from lecturekit.lessons.digits import drawing_pad

# Strokes are lists of points (x, y) between 0 and 1, from the upper left corner.
THREE = [[
    (0.30, 0.20), (0.40, 0.11), (0.55, 0.10), (0.66, 0.18), (0.66, 0.30), (0.58, 0.41), (0.46, 0.47),
    (0.60, 0.52), (0.70, 0.62), (0.70, 0.76), (0.60, 0.88), (0.44, 0.91), (0.29, 0.83),
]]  # fmt: skip
WHITE = "rgb(255, 255, 255)"
SEVEN = [[(0.30, 0.15), (0.72, 0.15), (0.58, 0.45), (0.46, 0.88)], [(0.38, 0.5), (0.68, 0.5)]]


@pytest.fixture(scope="module")
def model():
    """A network that reads well enough: about two seconds of training."""
    data = lk.data.digits()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(150):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(data.X_train), data.y_train).backward()
            optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def element(model):
    return drawing_pad(model).data


def reduced(strokes):
    """What the pad should make of a drawing: 32 × 32 points of ink or paper, counted in blocks of 4 × 4."""
    fine = 8  # as many points a side in each of the 32 × 32, so that the pen is round
    image = Image.new("L", (32 * fine, 32 * fine))
    pen = ImageDraw.Draw(image)
    points = torch.tensor([point for stroke in strokes for point in stroke])
    low, high = points.amin(dim=0), points.amax(dim=0)
    scale = (32 - digits.PEN) / max(0.1, *(high - low).tolist())
    radius = digits.PEN * fine / 2
    for stroke in strokes:
        places = (((torch.tensor(stroke) - (low + high) / 2) * scale + 16) * fine).tolist()
        pen.line([tuple(place) for place in places], fill=255, width=round(2 * radius))
        for x, y in places:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    ink = torch.from_numpy(np.asarray(image.resize((32, 32), Image.Resampling.BOX)) > 127)
    return ink.reshape(8, 4, 8, 4).float().mean(dim=(1, 3)).flatten()


def answer(page):
    return page.locator(".answer").inner_text()


def pixels(page):
    """What the grid shows, from 0 (white) to 1 (black), at the middle of each pixel."""
    shown = imread(io.BytesIO(page.locator(".grid").screenshot()))[..., 0]
    return 1 - torch.tensor(shown[14::26, 14::26][:8, :8]).flatten()


def draw(page, strokes, left=0.0, top=0.0, scale=1.0):
    box = page.locator(".paper").bounding_box()
    for stroke in strokes:
        places = [(box["x"] + 208 * (left + scale * x), box["y"] + 208 * (top + scale * y)) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()


def test_a_drawing_is_reduced_as_the_data_were_and_read(show, model, element):
    """A large one, and a small one in a corner; and the page computes what PyTorch does."""
    page = show(element)
    for strokes, digit, place in [(THREE, 3, (0, 0, 1)), (SEVEN, 7, (0.5, 0.1, 0.45))]:
        assert answer(page) == "Nothing is drawn yet" and not pixels(page).any()
        draw(page, strokes, *place)
        seen, right = pixels(page), reduced(strokes)
        assert (seen - right).abs().max() < 0.2 and (seen - right).abs().mean() < 0.03
        assert answer(page).startswith(f"I read a {digit} (")
        p = model(seen[None]).softmax(dim=1).detach()[0]
        bars = page.locator(".bar").evaluate_all("bars => bars.map(bar => parseFloat(bar.style.width))")
        torch.testing.assert_close(torch.tensor(bars) / 130, p, rtol=0, atol=0.02)
        page.get_by_role("checkbox").uncheck()  # then the digit stays where it was drawn
        outside = torch.ones(8, 8, dtype=torch.bool)
        outside[int(8 * place[1]) :, int(8 * place[0]) :] = False
        assert pixels(page).any() and not pixels(page)[outside.flatten()].any()
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Clear").click()


def test_by_touch(show, element):
    page = show(element, width=390, has_touch=True)
    box = page.locator(".paper").bounding_box()
    finger = page.context.new_cdp_session(page)
    for stroke in SEVEN:
        for kind, (x, y) in [("touchStart", stroke[0]), *(("touchMove", point) for point in stroke[1:])]:
            point = {"x": box["x"] + 208 * x, "y": box["y"] + 208 * y}
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert answer(page).startswith("I read a 7 (")
    assert page.evaluate("scrollY") == 0 and page.evaluate("document.documentElement.scrollWidth") <= 390


def test_by_keys_alone(show, element):
    """A 1 of two columns, from the first tab on; no key reaches the page."""
    page = show(element)
    page.keyboard.press("Tab")
    for key in ["ArrowRight"] * 3 + [" ", *["ArrowDown", " "] * 7, "ArrowRight", " ", *["ArrowUp", " "] * 7]:
        page.keyboard.press(key)
    assert page.locator(".cursor").inner_text() == "row 1, column 5: 100 % ink"
    expected = torch.zeros(8, 8)
    expected[:, 3:5] = 1
    torch.testing.assert_close(pixels(page).reshape(8, 8), expected, rtol=0, atol=0.5)
    assert answer(page).startswith("I read a 1 (")
    for key in ("d", "Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    assert answer(page) == "Nothing is drawn yet"
    assert [key for key in page.evaluate("heard") if key != "Tab"] == []


def test_everybody_can_use_it(show, element):
    """By axe, on dark and on light pages, where paper stays white; without scripts a picture with its words stays."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = show(element, background="#111", width=390, color_scheme="dark")
    draw(page, THREE)
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "rules": {"document-title": {"enabled": False}}}
    options["rules"]["html-has-lang"] = {"enabled": False}
    look = "e => getComputedStyle(e).backgroundColor"
    for media, card in [({}, "rgb(22, 25, 29)"), ({"media": "print"}, WHITE), ({"color_scheme": "light"}, WHITE)]:
        page.emulate_media(**media)
        assert page.locator(".lk-pad").evaluate(look) == card and page.locator(".paper").evaluate(look) == WHITE
        found = axe.run(page, options=options)
        assert found.violations_count == 0, found.generate_report()
    page = show(re.sub(r' onload="[^"]*"', "", element))
    assert "The 8 × 8 pixels of a 3" in page.locator("img").get_attribute("alt")
    assert page.locator("button").count() == 0


def test_another_network_is_refused():
    """The page would compute something else."""
    with pytest.raises(ValueError, match=r"nn\.ReLU between them, got Linear, Tanh, Linear"):
        drawing_pad(nn.Sequential(nn.Linear(64, 9), nn.Tanh(), nn.Linear(9, 10)))
    with pytest.raises(ValueError, match="from 64 pixels to 10 digits, got 784 to 10"):
        drawing_pad(nn.Sequential(nn.Linear(784, 10)))
