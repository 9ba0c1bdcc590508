const form = document.getElementById("form"), token = document.getElementById("token"), why = document.getElementById("why");

history.replaceState(null, "", "operator"); // a token that was wrong, too, is nobody's to read
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const answer = await fetch("operator/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: token.value.trim() }),
    });
    if (answer.ok) { location.replace("operator"); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("why");
    why.textContent = page ? page.textContent : "That is not the token.";
    token.select();
  } catch (failed) {
    why.textContent = "livestack does not answer. Is this phone in its network?";
  }
});
token.focus();
