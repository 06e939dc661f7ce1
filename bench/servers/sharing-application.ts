/** The application of `sharing.ts`. */
export default (): { readonly status: number; readonly body: string } => ({ status: 200, body: "Hello, World!" });
